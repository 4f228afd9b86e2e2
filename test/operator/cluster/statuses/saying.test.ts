/** While a fleet settles, the status of an object says what is known for sure, and for how long it waits for more. */
import { expect, test } from 'vitest'
import type { FleetStanding } from '../../../../operator/cluster/statuses/fleet-standing.ts'
import { type Saying, sameOutline, sayingOf } from '../../../../operator/cluster/statuses/saying.ts'
import { standingStatus } from '../../../../operator/cluster/watch/standing-status.ts'
import type { Condition, Status } from '../../../../operator/compile/compiled.ts'

const programmed = (status: Condition['status']): Condition => ({
  type: 'Programmed',
  status,
  reason: 'Said',
  message: 'said by a test',
})
const keys = [{ id: 'k1', verifier: 'sha256:1' }]
const status = (word: Condition['status'] = 'Unknown'): Status => ({
  observedGeneration: 3,
  conditions: [programmed(word)],
  keys,
})
const before = (word: Condition['status'], generation = 3, more: object = {}, ...others: readonly Condition[]) =>
  standingStatus({ keys, ...more, conditions: [{ ...programmed(word), observedGeneration: generation }, ...others] })
const nothing = standingStatus({})
const fleet = (settled: boolean, word: Condition['status'], down = false): FleetStanding => ({
  settled,
  programmed: programmed(word),
  further: [],
  fields: {},
  down,
  routes: [],
})
const open = fleet(false, 'False')
const up: Condition = { type: 'Available', status: 'True', reason: 'Said', message: 'said by a test' }
const available = (standing: FleetStanding): FleetStanding => ({ ...standing, further: [up] })
const fine = fleet(true, 'True')
const bad = fleet(true, 'False')

test.each<[string, Status, FleetStanding | undefined, ReturnType<typeof standingStatus>, string]>([
  ['a fleet that has settled is told by evidence at once', status(), bad, nothing, 'evidence not'],
  ['a fleet that has not settled and was programmed waits long', status(), open, before('True'), 'evidence long'],
  ['a fleet that has not settled after a change waits briefly', status(), open, before('True', 2), 'evidence briefly'],
  ['a fleet that has not settled and is new waits briefly', status(), open, nothing, 'evidence briefly'],
  [
    'a fleet that is available and was down waits briefly',
    status(),
    available(open),
    before('False'),
    'evidence briefly',
  ],
  [
    'a fleet that is available and was so before waits long',
    status(),
    available(open),
    before('False', 3, {}, up),
    'evidence long',
  ],
  ['a fleet that was available and programmed waits long', status(), open, before('True', 3, {}, up), 'evidence long'],
  ['a held fleet is told at once', status('False'), open, before('True'), 'evidence not'],
])('a policy: %s', (_name, said, standing, old, expected) => {
  expect(text(sayingOf('RelayPolicy mail/shared', { status: said, standing, isKnown: false }, old))).toBe(expected)
})

test.each<[string, Status, FleetStanding | undefined, ReturnType<typeof standingStatus>, string]>([
  ['one without a key yet is told as compiled', status(), undefined, nothing, 'compiled briefly'],
  ['one of a settled fleet is told by evidence', status(), fine, nothing, 'evidence not'],
  ['one of a fleet that has not settled is told as compiled', status(), open, nothing, 'compiled briefly'],
  [
    'one that was programmed, of a fleet that has not settled, stays as before',
    status(),
    open,
    before('True'),
    'asBefore not',
  ],
  [
    'one that was changed, of a fleet that has not settled, is told as compiled',
    status(),
    open,
    before('True', 2),
    'compiled briefly',
  ],
  [
    'one with a new key, of a fleet that has not settled, is told as compiled',
    status(),
    open,
    before('True', 3, { keys: [] }),
    'compiled briefly',
  ],
  ['one that was programmed, of a fleet that lags, stays as before', status(), bad, before('True'), 'asBefore not'],
  [
    'one that was not programmed, of a fleet that lags, is told by evidence',
    status(),
    bad,
    before('False'),
    'evidence not',
  ],
  ['one that was changed, of a fleet that lags, is told by evidence', status(), bad, before('True', 2), 'evidence not'],
  [
    'one of a fleet that is down is told by evidence',
    status(),
    fleet(true, 'False', true),
    before('True'),
    'evidence not',
  ],
  ['one that is refused is told as compiled at once', status('False'), open, before('True'), 'compiled not'],
])('a credential: %s', (_name, said, standing, old, expected) => {
  expect(text(sayingOf('RelayCredential team-a/web', { status: said, standing, isKnown: false }, old))).toBe(expected)
})

test.each<[string, Status, FleetStanding | undefined, ReturnType<typeof standingStatus>, string]>([
  ['a new one is told as known', status(), open, nothing, 'known not'],
  ['one that was not programmed before is told as known', status(), bad, before('False'), 'known not'],
  ['one that compile refuses is told as compiled', status('False'), open, nothing, 'compiled not'],
])('a credential that all relays know while they load something newer: %s', (_name, said, standing, old, is) => {
  expect(text(sayingOf('RelayCredential team-a/web', { status: said, standing, isKnown: true }, old))).toBe(is)
})

const text = ({ by, waits }: Saying): string => `${by} ${waits}`

test('statuses that differ in other fields have the same outline, and those with another Programmed do not', () => {
  const other = before('True', 3, { replicas: 9 })
  expect(sameOutline(before('True'), other)).toBe(true)
  expect(sameOutline(before('True'), before('False'))).toBe(false)
  expect(sameOutline(before('True'), nothing)).toBe(false)
})
