/** What may be said of an object while its fleet settles: no truth too early, and no key too late. */
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
  ['a fleet has settled', status(), bad, nothing, 'evidence not'],
  ['it has not, and was well', status(), open, before('True'), 'evidence long'],
  ['it has not, and was changed', status(), open, before('True', 2), 'evidence briefly'],
  ['it has not, and is new', status(), open, nothing, 'evidence briefly'],
  ['it never does, and was down', status(), available(open), before('False'), 'evidence briefly'],
  ['it never does, and was up', status(), available(open), before('False', 3, {}, up), 'evidence long'],
  ['it never does, and was up', status(), open, before('True', 3, {}, up), 'evidence long'],
  ['it is held', status('False'), open, before('True'), 'evidence not'],
])('a policy: %s', (_name, said, standing, old, expected) => {
  expect(text(sayingOf('RelayPolicy mail/shared', { status: said, standing, isKnown: false }, old))).toBe(expected)
})

test.each<[string, Status, FleetStanding | undefined, ReturnType<typeof standingStatus>, string]>([
  ['it has no key yet', status(), undefined, nothing, 'compiled briefly'],
  ['its fleet has settled', status(), fine, nothing, 'evidence not'],
  ['its fleet has not', status(), open, nothing, 'compiled briefly'],
  ['its fleet has not, and it was well', status(), open, before('True'), 'asBefore not'],
  ['its fleet has not, and it was changed', status(), open, before('True', 2), 'compiled briefly'],
  ['its fleet has not, and it has a new key', status(), open, before('True', 3, { keys: [] }), 'compiled briefly'],
  ['its fleet lags behind something newer', status(), bad, before('True'), 'asBefore not'],
  ['its fleet lags, and it was never known', status(), bad, before('False'), 'evidence not'],
  ['its fleet lags, and it was changed', status(), bad, before('True', 2), 'evidence not'],
  ['its fleet is down', status(), fleet(true, 'False', true), before('True'), 'evidence not'],
  ['it is refused', status('False'), open, before('True'), 'compiled not'],
])('a credential: %s', (_name, said, standing, old, expected) => {
  expect(text(sayingOf('RelayCredential team-a/web', { status: said, standing, isKnown: false }, old))).toBe(expected)
})

test.each<[string, Status, FleetStanding | undefined, ReturnType<typeof standingStatus>, string]>([
  ['it is new', status(), open, nothing, 'known not'],
  ['it was told to wait', status(), bad, before('False'), 'known not'],
  ['compile knows better', status('False'), open, nothing, 'compiled not'],
])('a credential that all relays know, while they have something newer to load: %s', (_name, said, standing, old, is) => {
  expect(text(sayingOf('RelayCredential team-a/web', { status: said, standing, isKnown: true }, old))).toBe(is)
})

const text = ({ by, waits }: Saying): string => `${by} ${waits}`

test('other words are the same outline, another reason is not', () => {
  const other = before('True', 3, { replicas: 9 })
  expect(sameOutline(before('True'), other)).toBe(true)
  expect(sameOutline(before('True'), before('False'))).toBe(false)
  expect(sameOutline(before('True'), nothing)).toBe(false)
})
