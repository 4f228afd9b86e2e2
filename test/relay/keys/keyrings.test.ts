/** Keys that sign are read once, and where many come at once the event loop has turns between them. */
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { LoadedConfig } from '../../../relay/config.ts'
import { Keyrings } from '../../../relay/keys/keyrings.ts'
import { Keyring } from '../../../relay/mail/keyring.ts'
import { cpuMs } from '../../cpu-time.ts'
import { ed25519Key, keyFiles, rsaKey, signingWith } from '../delivery/signing-keys.ts'
import { policy } from '../policy.ts'

const keys = [rsaKey('r1'), ed25519Key('e1')]
const files = new Map(Object.entries(keyFiles(keys)))
const loadedWith = (domains: number): LoadedConfig => ({
  config: policy({ signing: Array.from({ length: domains }, (_, i) => signingWith(`d${i}.test`, keys)) }),
  hash: '',
  files,
})
const now = Date.parse('2026-11-29T12:00:00Z')

test('the keys of a thousand domains that come with one configuration hold nobody up', async () => {
  const reading = Keyring.reading(loadedWith(1000))
  let longest = 0
  for (let isDone = false; !isDone; ) {
    const took = cpuMs(() => {
      isDone = reading.next().done === true
    })
    longest = Math.max(longest, took)
  }
  expect(longest).toBeLessThan(50)

  const keyrings = new Keyrings()
  const loaded = loadedWith(1000)
  let ended = false
  const ahead = keyrings.ahead(loaded).then(() => {
    ended = true
  })
  let turns = 0
  for (; !ended; turns++) await turn()
  await ahead
  expect(turns).toBeGreaterThan(50)
  expect(keyrings.of(loaded).signingOf('d999.test', now)).toMatchObject({ keys: [{}, {}], broken: [] })
})

test('a configuration has one keyring, whoever asks for it, and keys that are known are not read again', async () => {
  const keyrings = new Keyrings()
  const [first, second] = [loadedWith(2), loadedWith(3)]
  const before = keyrings.of(first)
  expect(keyrings.of(first)).toBe(before)
  await keyrings.ahead(second)
  const after = keyrings.of(second)
  expect(after.signingOf('d2.test', now)?.keys).toHaveLength(2)
  const keyOf = (keyring: Keyring) => keyring.signingOf('d1.test', now)?.keys[0]?.key
  expect(keyOf(after)).toBe(keyOf(before))
  expect(before.names({ domain: 'd2.test', selector: 'r1' })).toBe(false)
})
