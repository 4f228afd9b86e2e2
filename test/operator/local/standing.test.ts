/** Programmed and Degraded of a fleet in local mode follow from what its relay reports and from how its process is. */
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
  now: Date.parse('2027-01-15T00:00:00Z'),
}
const conditionIn = (type: string, given: Evidence): string => {
  const found = standingOf(given).further.find((one) => one.type === type)
  return found === undefined ? 'absent' : `${found.status} ${found.reason}: ${found.message}`
}
const degradedIn = (given: Evidence): Condition | undefined =>
  standingOf(given).further.find(({ type }) => type === 'Degraded')
const silent = { ...evidence, status: undefined }

test.each<[string, Evidence, boolean, string, string]>([
  [
    'a relay that reports the compiled hash is programmed',
    evidence,
    true,
    'True Programmed',
    'listening on 127.0.0.1:2525 (submission)',
  ],
  [
    'a relay that reports another hash is not programmed for now',
    { ...evidence, hash: 'sha256:newer' },
    false,
    'False NotLoaded',
    '/state/relay.log',
  ],
  [
    'a relay that reports the hash with an error has refused the configuration',
    { ...evidence, status: { ...status, configError: 'listen EADDRINUSE: address already in use 127.0.0.1:2525' } },
    true,
    'False ConfigurationRefused',
    'another program has the port',
  ],
  [
    'a relay that may not bind its port has refused the configuration, and another port is the mend',
    { ...evidence, status: { ...status, configError: 'listen EACCES: permission denied 127.0.0.1:25' } },
    true,
    'False ConfigurationRefused',
    'choose a spec.listeners[].port of 1024 or more',
  ],
  [
    'of a relay that may not write a file, or read one, the mend is not another port',
    {
      ...evidence,
      status: { ...status, configError: "EACCES: permission denied, open '/state/spool/last-good.json.tmp'" },
    },
    true,
    'False ConfigurationRefused',
    'give this user the right to read and write there',
  ],
  [
    'of a relay that can not have a port, it is told how two policies exchange theirs',
    { ...evidence, status: { ...status, configError: 'listen EADDRINUSE: address already in use 127.0.0.1:2525' } },
    true,
    'False ConfigurationRefused',
    'policies that exchange ports need a third one on the way',
  ],
  ['a relay that does not answer is not programmed for now', silent, false, 'False NoAnswer', '/state/relay.log'],
  [
    'a relay whose process ended is not programmed',
    { ...silent, failure: 'the relay ended (exit code 1)' },
    true,
    'False RelayNotRunning',
    'exit code 1',
  ],
  [
    'a relay that ended before and answers now is programmed',
    { ...evidence, failure: 'it ended' },
    true,
    'True Programmed',
    'listening',
  ],
  ['a fleet with no replicas is stopped', { ...silent, stopped: true }, true, 'False Stopped', 'spec.replicas is 0'],
  [
    'a fleet whose files could not be written is not programmed, though the old configuration runs',
    { ...evidence, trouble: 'Secret mail/ses has no key password' },
    true,
    'False NotWritten',
    'Secret mail/ses has no key password',
  ],
  [
    'a fleet that never had a configuration has no relay',
    { ...silent, hash: undefined },
    true,
    'False NoConfiguration',
    'no relay runs',
  ],
])('Programmed: %s', (_name, given, settled, verdict, says) => {
  const standing = standingOf(given)
  expect(standing.settled).toBe(settled)
  expect(`${standing.programmed.status} ${standing.programmed.reason}`).toBe(verdict)
  expect(standing.programmed.message).toContain(says)
})

test.each<[string, Partial<RelayStatus>, string]>([
  ['a relay that is well', {}, 'False AsExpected'],
  ['a relay whose disk is full', { ready: false, notReady: ['disk full'] }, 'True NotReady'],
  ['a relay with a file that went bad', { stale: ['secrets/ses/password'] }, 'True StaleFiles'],
  ['a queue as old as it may be', { queue: { ...status.queue, oldestSeconds: 600 } }, 'False AsExpected'],
  ['a store of limits that answers', { limitStore: { state: 'Connected' } }, 'False AsExpected'],
  ['a store of limits to which the relay is connecting', { limitStore: { state: 'Connecting' } }, 'False AsExpected'],
  [
    'a store of limits that does not answer',
    { limitStore: { state: 'Away', why: 'ECONNREFUSED' } },
    'True LimitStoreAway',
  ],
  [
    'a store of limits that does not answer, beside a queue that is too old',
    { limitStore: { state: 'Away', why: 'it says NOAUTH' }, queue: { ...status.queue, oldestSeconds: 601 } },
    'True QueueOld',
  ],
  ['a queue that is too old', { queue: { ...status.queue, deferred: 3, oldestSeconds: 601 } }, 'True QueueOld'],
])('Degraded: %s', (_name, reported, verdict) => {
  const degraded = degradedIn({ ...evidence, status: { ...status, ...reported } })
  expect(`${degraded?.status} ${degraded?.reason}`).toBe(verdict)
})

test('Degraded for an old queue stays the same from minute to minute, so that the status does not change', () => {
  const waiting = (oldestSeconds: number) =>
    degradedIn({ ...evidence, status: { ...status, queue: { ...status.queue, deferred: 1, oldestSeconds } } })
  expect(waiting(700)).toEqual(waiting(800))
})

test('where no relay answers there is no condition Degraded', () => {
  expect(degradedIn(silent)).toBeUndefined()
})

test.each([
  [
    'ends in a month',
    '2027-01-01T00:00:00Z',
    '2027-02-15T00:00:00Z',
    'True CertificateValid: every certificate is good',
  ],
  [
    'ends in a week',
    '2027-01-01T00:00:00Z',
    '2027-01-22T00:00:00Z',
    'False CertificateExpiresSoon: the certificate of listener smtps ends at 2027-01-22T00:00:00Z',
  ],
  [
    'has ended',
    '2027-01-01T00:00:00Z',
    '2027-01-14T23:59:59Z',
    'False CertificateExpired: the certificate of listener smtps ended at 2027-01-14T23:59:59Z',
  ],
  [
    'begins tomorrow',
    '2027-01-16T00:00:00Z',
    '2027-09-01T00:00:00Z',
    'False CertificateNotYetValid: the certificate of listener smtps begins at 2027-01-16T00:00:00Z',
  ],
])('CertificateValid of a local fleet, one of whose certificates %s (case T13)', (_what, notBefore, notAfter, says) => {
  const other = { listener: 'submission', notBefore: '2026-01-01T00:00:00Z', notAfter: '2028-01-01T00:00:00Z' }
  const certificates = [other, { listener: 'smtps', notBefore, notAfter }]
  expect(conditionIn('CertificateValid', { ...evidence, status: { ...status, certificates } })).toContain(says)
})

test('nothing is said of certificates while no relay answers', () => {
  expect(conditionIn('CertificateValid', silent)).toBe('absent')
})
