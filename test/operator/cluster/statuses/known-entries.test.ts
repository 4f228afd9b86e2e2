/** A credential is known when every relay that takes mail has it as it is now. */
import { expect, test } from 'vitest'
import { knownEntries } from '../../../../operator/cluster/statuses/known-entries.ts'
import type { CredentialConfig, RelayConfig } from '../../../../relay/config.ts'
import { evidence, good, lagging, newest, older, pod, silent, starting } from './fleet-evidence.ts'

const entry = (name: string) => ({ name }) as CredentialConfig
const [first, second, third] = [entry('team-a/first'), entry('team-a/second'), entry('team-a/third')]
const config = (...credentials: readonly CredentialConfig[]) => ({ credentials }) as unknown as RelayConfig
/** The second credential was changed between the older and the newest configuration. */
const configs = new Map([
  [older, config(first, entry('team-a/second'))],
  [newest, config(first, second, third)],
])
const configOf = (hash: string) => configs.get(hash)
const leaving = { ...good(2), pod: pod(2, { drainSince: 1 }) }

test.each<[string, Parameters<typeof evidence>[0], readonly CredentialConfig[]]>([
  ['both have the newest configuration: all are known', { pods: [good(0), good(1)] }, [first, second, third]],
  [
    'one has the earlier configuration: what is the same in both is known',
    { pods: [good(0), lagging(1, 100)] },
    [first],
  ],
  [
    'one has a configuration that is not remembered: nothing is known',
    { pods: [good(0), good(1, { hash: 'sha256:x' })] },
    [],
  ],
  ['one does not answer: nothing is known', { pods: [good(0), silent(1, 100)] }, []],
  ['one is not ready, and does not count: all are known', { pods: [good(0), starting(1)] }, [first, second, third]],
  ['one leaves, and does not count: all are known', { pods: [good(0), leaving] }, [first, second, third]],
  ['none takes mail: nothing is known', { pods: [starting(0)] }, []],
])('of two relays, %s', (_name, pods, known) => {
  expect([...knownEntries(evidence(pods), configOf, undefined).is]).toEqual(known)
})

test('while the relays report the same, the answer is the same object', () => {
  const before = knownEntries(evidence(), configOf, undefined)
  expect(knownEntries(evidence(), configOf, before)).toBe(before)
  expect(knownEntries(evidence({ pods: [lagging(0, 100)] }), configOf, before)).not.toBe(before)
})
