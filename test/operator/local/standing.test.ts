import { expect, test } from 'vitest'
import type { Condition } from '../../../operator/compile/compiled.ts'
import { type Evidence, standingOf } from '../../../operator/local/standing.ts'
import type { RelayStatus } from '../../../relay/http.ts'

const status: RelayStatus = {
  policy: 'mail/shared',
  hash: 'sha256:new',
  stale: [],
  ready: true,
  notReady: [],
  listeners: [{ name: 'submission', address: '127.0.0.1', port: 2525 }],
  certificates: [],
  smarthosts: [],
  signing: { broken: [], leaving: [] },
  sessions: 0,
  queue: { ready: 0, deferred: 0, inFlight: 0, oldestSeconds: 0 },
}
const evidence: Evidence = {
  trouble: undefined,
  stopped: false,
  hash: 'sha256:new',
  maxAgeMs: 600_000,
  failure: undefined,
  status,
  spools: [],
  spool: '/state/spool',
  log: '/state/relay.log',
}
const degradedIn = (given: Evidence): Condition | undefined =>
  standingOf(given).further.find(({ type }) => type === 'Degraded')
const silent = { ...evidence, status: undefined }

test.each<[string, Evidence, boolean, string, string]>([
  ['it reports the compiled hash', evidence, true, 'True Programmed', 'listening on 127.0.0.1:2525 (submission)'],
  ['it reports another hash', { ...evidence, hash: 'sha256:newer' }, false, 'False NotLoaded', '/state/relay.log'],
  [
    'it reports the hash and could not use it',
    { ...evidence, status: { ...status, configError: 'listen EADDRINUSE: address already in use 127.0.0.1:2525' } },
    true,
    'False ConfigurationRefused',
    'another program has the port',
  ],
  ['it does not answer yet', silent, false, 'False NoAnswer', '/state/relay.log'],
  ['it ended', { ...silent, failure: 'the relay ended (exit code 1)' }, true, 'False RelayNotRunning', 'exit code 1'],
  ['it ended before and answers now', { ...evidence, failure: 'it ended' }, true, 'True Programmed', 'listening'],
  ['no replica is wanted', { ...silent, stopped: true }, true, 'False Stopped', 'spec.replicas is 0'],
  [
    'its files could not be written, while the old configuration runs',
    { ...evidence, trouble: 'Secret mail/ses has no key password' },
    true,
    'False NotWritten',
    'Secret mail/ses has no key password',
  ],
  ['there never was a configuration', { ...silent, hash: undefined }, true, 'False NoConfiguration', 'no relay runs'],
])('Programmed: %s', (_name, given, settled, verdict, says) => {
  const standing = standingOf(given)
  expect(standing.settled).toBe(settled)
  expect(`${standing.programmed.status} ${standing.programmed.reason}`).toBe(verdict)
  expect(standing.programmed.message).toContain(says)
})

test.each<[string, Partial<RelayStatus>, string]>([
  ['nothing is wrong', {}, 'False AsExpected'],
  ['the disk takes nothing', { ready: false, notReady: ['disk full'] }, 'True NotReady'],
  ['a file went bad', { stale: ['secrets/ses/password'] }, 'True StaleFiles'],
  ['mail waits just as long as it may', { queue: { ...status.queue, oldestSeconds: 600 } }, 'False AsExpected'],
  ['limits are counted together', { limitStore: { state: 'Connected' } }, 'False AsExpected'],
  ['limits are not counted together yet', { limitStore: { state: 'Connecting' } }, 'False AsExpected'],
  ['the store of limits is away', { limitStore: { state: 'Away', why: 'ECONNREFUSED' } }, 'True LimitStoreAway'],
  [
    'that is less than mail that waits too long',
    { limitStore: { state: 'Away', why: 'it says NOAUTH' }, queue: { ...status.queue, oldestSeconds: 601 } },
    'True QueueOld',
  ],
  ['mail waits too long', { queue: { ...status.queue, deferred: 3, oldestSeconds: 601 } }, 'True QueueOld'],
])('Degraded: %s', (_name, reported, verdict) => {
  const degraded = degradedIn({ ...evidence, status: { ...status, ...reported } })
  expect(`${degraded?.status} ${degraded?.reason}`).toBe(verdict)
})

test('an old queue says the same from minute to minute, so that the status does not change', () => {
  const waiting = (oldestSeconds: number) =>
    degradedIn({ ...evidence, status: { ...status, queue: { ...status.queue, deferred: 1, oldestSeconds } } })
  expect(waiting(700)).toEqual(waiting(800))
})

test('where no relay answers, nothing is known of its queue', () => {
  expect(degradedIn(silent)).toBeUndefined()
})
