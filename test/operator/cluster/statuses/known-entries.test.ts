/** What all relays know is known; what one of them may not know is not. */
import { expect, test } from 'vitest'
import { knownEntries } from '../../../../operator/cluster/statuses/known-entries.ts'
import type { CredentialConfig, RelayConfig } from '../../../../relay/config.ts'
import { evidence, good, lagging, newest, older, pod, silent, starting } from './fleet-evidence.ts'

const entry = (name: string) => ({ name }) as CredentialConfig
const [first, second, third] = [entry('team-a/first'), entry('team-a/second'), entry('team-a/third')]
const config = (...credentials: readonly CredentialConfig[]) => ({ credentials }) as unknown as RelayConfig
/** The second one was changed since. */
const configs = new Map([
  [older, config(first, entry('team-a/second'))],
  [newest, config(first, second, third)],
])
const configOf = (hash: string) => configs.get(hash)
const leaving = { ...good(2), pod: pod(2, { drainSince: 1 }) }

test.each<[string, Parameters<typeof evidence>[0], readonly CredentialConfig[]]>([
  ['both have the newest', { pods: [good(0), good(1)] }, [first, second, third]],
  ['one has the one before: what is the same in both', { pods: [good(0), lagging(1, 100)] }, [first]],
  ['one has another one, that nobody remembers', { pods: [good(0), good(1, { hash: 'sha256:x' })] }, []],
  ['one does not answer', { pods: [good(0), silent(1, 100)] }, []],
  ['one takes no mail: it does not count', { pods: [good(0), starting(1)] }, [first, second, third]],
  ['one is to leave: it does not count', { pods: [good(0), leaving] }, [first, second, third]],
  ['none takes mail', { pods: [starting(0)] }, []],
])('of two relays %s', (_name, pods, known) => {
  expect([...knownEntries(evidence(pods), configOf, undefined).is]).toEqual(known)
})

test('while they report the same, it is the same answer', () => {
  const before = knownEntries(evidence(), configOf, undefined)
  expect(knownEntries(evidence(), configOf, before)).toBe(before)
  expect(knownEntries(evidence({ pods: [lagging(0, 100)] }), configOf, before)).not.toBe(before)
})
