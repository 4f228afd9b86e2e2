/** What else is told of a fleet beside Programmed, and that nothing of it changes because time passes. */
import { expect, test } from 'vitest'
import type { FleetEvidence } from '../../../../operator/cluster/statuses/fleet-evidence.ts'
import { type FleetStanding, fleetStanding, nextMoment } from '../../../../operator/cluster/statuses/fleet-standing.ts'
import { roundFigure } from '../../../../operator/cluster/statuses/queued-sample.ts'
import type { RelayReport, Smarthost } from '../../../../operator/cluster/statuses/relay-report.ts'
import type { RelayPod } from '../../../../operator/cluster/watch/relay-pod.ts'
import { day, evidence, good, lagging, newest, now, older, pod, report, starting } from './fleet-evidence.ts'

const standing = (more: Partial<FleetEvidence>) => fleetStanding(evidence(more), () => 20)
const told = (type: string, more: Partial<FleetEvidence>): string => {
  const found = standing(more).further.find((c) => c.type === type)
  return found === undefined ? 'absent' : `${found.status} ${found.reason}: ${found.message}`
}
const ending = (...days: readonly number[]): Partial<FleetEvidence> => ({
  pods: days.map((d, i) => good(i, { certificates: [{ listener: 'submission', endsAt: now + d * day }] })),
})
const minute = 60_000
const leaves = (index: number, goneBy: number, more: Partial<RelayPod> = {}) => ({
  pod: pod(index, { ready: false, leaving: true, goneBy, ...more }),
})
const beginning = (...days: readonly number[]): Partial<FleetEvidence> => ({
  pods: days.map((d, i) =>
    good(i, { certificates: [{ listener: 'submission', beginsAt: now + d * day, endsAt: now + 90 * day }] }),
  ),
})

test.each<[string, Partial<FleetEvidence>, string]>([
  ['all are ready', {}, 'True MinimumReplicasAvailable: 2 of 2 relays are ready'],
  [
    'one may be away',
    { pods: [good(0), starting(1, { waiting: 'OOMKilled' })] },
    'True MinimumReplicasAvailable: 1 of 2 relays are ready: shared-1: OOMKilled',
  ],
  [
    'one of three is too few',
    { replicas: 3, pods: [good(0)] },
    'False MinimumReplicasUnavailable: 1 of 3 relays are ready: 2 pods are not there',
  ],
  [
    'two may be away where the policy says so',
    { replicas: 3, maxUnavailable: 2, pods: [good(0)] },
    'True MinimumReplicasAvailable: 1 of 3',
  ],
  ['a single one has to be there', { replicas: 1, pods: [] }, 'False MinimumReplicasUnavailable'],
  ['none is wanted', { replicas: 0, pods: [] }, 'False Stopped'],
  [
    'some are not there: which, and where it is told why',
    { replicas: 4, pods: [good(0), starting(2)] },
    '1 of 4 relays are ready: shared-2: it is not ready yet; 2 pods are not there (shared-1, shared-3); what keeps them, ' +
      'as a quota or Pod Security, is in the Events of StatefulSet mail/shared: kubectl -n mail describe statefulset shared',
  ],
  [
    'one is being deleted, and another one comes',
    { pods: [good(0), leaves(1, now + 1000)] },
    'True MinimumReplicasAvailable: 1 of 2 relays are ready: shared-1: it is being deleted',
  ],
  [
    'one is being deleted, and its node is gone',
    { pods: [good(0), leaves(1, now - minute, { waiting: 'its node, n1, is not heard of' })] },
    'shared-1: it is being deleted, and its node, n1, is not heard of; it was to be gone by 2026-11-24T02:59:00Z: see to its ' +
      'node and its metadata.finalizers, or if the node is gone for good, kubectl -n mail delete pod shared-1 --force',
  ],
  [
    'one that goes for good is missed by nobody',
    { pods: [good(0), good(1), leaves(2, now - minute)] },
    '2 of 2 relays are ready$',
  ],
  ['a held fleet is what it is', { replicas: undefined }, 'True MinimumReplicasAvailable: 2 of 2'],
])('Available: %s', (_name, more, says) => {
  expect(`${told('Available', more)}$`).toContain(says)
})

const old = { ready: 1, deferred: 0, inFlight: 0, oldestSeconds: 601.5 }
const leaving = (index: number, agoMs: number, more: Partial<RelayReport> = {}) => ({
  pod: pod(index, { drainSince: now - agoMs }),
  report: report({ drain: 'Draining', ...more }),
})
const deleted = (...pods: FleetEvidence['pods']): Partial<FleetEvidence> => ({
  leaving: true,
  replicas: 0,
  standing: pods.length,
  pods,
})
const smaller = (...pods: FleetEvidence['pods']): Partial<FleetEvidence> => ({ replicas: 1, standing: 2, pods })
test.each<[string, Partial<FleetEvidence>, string]>([
  ['all stay', {}, 'absent'],
  [
    'one leaves',
    smaller(good(0), leaving(1, minute)),
    'True Draining: 1 relays are to stay; shared-1 leaves since 2026-11-24T02:59:00Z and has 20 messages or more; a relay goes when its queue is empty',
  ],
  [
    'all leave, since the policy is deleted',
    deleted(leaving(0, minute, { drain: 'Drained' }), leaving(1, minute)),
    'True Draining: the policy is being deleted, and is gone when no relay has mail; shared-1 leaves since 2026-11-24T02:59:00Z and has 20 messages or more; shared-0 has no mail left; what the next hop replies is in status.routes and in its log; to let it go with its mail, which stays on data-shared-1, annotate the policy with relayfleet.dev/discard-queue=true',
  ],
  [
    'the policy is deleted, and nobody has mail',
    deleted(leaving(0, minute, { drain: 'Drained' })),
    'True Draining: the policy is being deleted, and is gone when no relay has mail; shared-0 has no mail left',
  ],
  [
    'the policy is deleted and suspended',
    { ...deleted(leaving(0, minute)), suspended: true },
    'spec.suspended is true, so nothing is delivered: set it to false',
  ],
  [
    'it may go',
    smaller(good(0), leaving(1, minute, { drain: 'Drained' })),
    'True Draining: 1 relays are to stay; shared-1 has no mail left',
  ],
  [
    'it has had its time',
    smaller(good(0), leaving(1, 30 * minute)),
    'True DrainOverdue: 1 relays are to stay; shared-1 leaves since',
  ],
  [
    'and may be given up',
    smaller(good(0), leaving(1, 30 * minute)),
    'which stays on data-shared-1, annotate the policy with relayfleet.dev/discard-queue=true',
  ],
  ['it is empty after its time', smaller(good(0), leaving(1, 30 * minute, { drain: 'Drained' })), 'True Draining'],
  [
    'it does not answer',
    smaller(good(0), { pod: pod(1, { drainSince: now }) }),
    'True DrainUnknown: 1 relays are to stay; shared-1 leaves since 2026-11-24T03:00:00Z and does not say what it has: it does not answer',
  ],
  [
    'it can not start',
    smaller(good(0), { pod: pod(1, { ready: false, drainSince: now, waiting: 'OOMKilled' }) }),
    'does not say what it has: OOMKilled',
  ],
  [
    'it is not there',
    smaller(good(0)),
    'True DrainUnknown: 1 relays are to stay; shared-1 leaves and does not say what it has: it is not there',
  ],
  [
    'what makes its pods is refused them',
    smaller(good(0)),
    'it is not there; what keeps it, as a quota or Pod Security, is in the Events of StatefulSet mail/shared',
  ],
  [
    'it does not end',
    smaller(good(0), leaves(1, now - minute)),
    'does not say what it has: it is being deleted; it was to be gone by 2026-11-24T02:59:00Z: see to its node',
  ],
  [
    'nothing is delivered',
    { ...smaller(good(0), leaving(1, minute)), suspended: true },
    'spec.suspended is true, so nothing is delivered',
  ],
  ['a held fleet stays as it is', { ...smaller(good(0), good(1)), replicas: undefined }, 'absent'],
])('ScalingDown: %s', (_name, more, says) => {
  expect(told('ScalingDown', more)).toContain(says)
})

test('who leaves counts for nothing else, and its pod tells since when', () => {
  const stale = leaving(1, minute, { hash: older, stale: ['ca.crt'], queue: old })
  const { programmed, further, fields } = standing(smaller(good(0), stale))
  expect(programmed.status).toBe('True')
  expect(further.map(({ type, status }) => `${type} ${status}`)).toEqual([
    'Available True',
    'ScalingDown True',
    'Degraded False',
  ])
  expect(fields).toMatchObject({ replicas: 2, readyReplicas: 1 })
  expect((fields['pods'] as readonly object[])[1]).toMatchObject({
    name: 'shared-1',
    queued: 20,
    drain: { since: '2026-11-24T02:59:00Z', state: 'Draining' },
  })
})

test('a certificate that is not valid yet is looked at when it is', () => {
  expect(nextMoment(evidence(beginning(7)))).toBe(now + 7 * day)
})

test('a time that runs out is looked at when it does', () => {
  expect(nextMoment(evidence(smaller(good(0), leaving(1, minute))))).toBe(now + 29 * minute)
})

test.each<[string, Partial<FleetEvidence>, string]>([
  ['nobody knows of any', {}, 'absent'],
  ['it is good for a quarter', ending(90, 89), 'True CertificateValid: every certificate is good until 2027-02-21'],
  [
    'it ends within two weeks at one relay',
    ending(60, 13),
    'False CertificateExpiresSoon: the certificate of listener',
  ],
  [
    'it is over',
    ending(60, -1),
    'False CertificateExpired: the certificate of listener submission ended at 2026-11-23',
  ],
  [
    'it begins in a week at one relay',
    beginning(-1, 7),
    'False CertificateNotYetValid: the certificate of listener submission begins at 2026-12-01',
  ],
  ['it has begun', beginning(-1, 0), 'True CertificateValid: every certificate is good until'],
  [
    'the issued one was not renewed',
    { written: { hash: newest, certificateEndsAt: now + day } },
    'False CertificateExpiresSoon: the certificate that is issued',
  ],
])('CertificateValid: %s', (_name, more, says) => {
  expect(told('CertificateValid', more)).toContain(says)
})

const first = (more: Partial<RelayReport>): Partial<FleetEvidence> => ({ pods: [good(0, more), good(1)] })
const smarthost = (name: string, health: Smarthost['health'], text?: string): Smarthost => ({
  route: 'default',
  name,
  health,
  ...(text !== undefined && { lastReply: { code: 454, status: '4.7.0', text } }),
})
/** What each of the relays reports. */
const reporting = (...smarthosts: (readonly Smarthost[])[]): Partial<FleetEvidence> => ({
  pods: smarthosts.map((all, i) => good(i, { smarthosts: all })),
})
const [left, well, fresh] = [smarthost('ses', 'ejected'), smarthost('ses', 'healthy'), smarthost('ses', 'unproven')]
test.each<[string, Partial<FleetEvidence>, string]>([
  ['nothing is wrong', {}, 'False AsExpected'],
  [
    'a disk is full',
    first({ ready: false, notReady: ['disk full'] }),
    'True NotReady: shared-0 takes no mail now: disk',
  ],
  ['a file went bad', first({ stale: ['ca.crt'] }), 'True StaleFiles: ca.crt'],
  ['mail waits', first({ queue: old }), 'True QueueOld: mail waits at shared-0'],
  ['every relay has left out a smarthost', reporting([left], [left]), 'True SmarthostEjected: default/ses (route'],
  ['one relay alone has', reporting([left], [well]), 'False AsExpected'],
  ['the others have not tried it', reporting([fresh], [left], [fresh]), 'True SmarthostEjected: default/ses (route'],
  ['no relay answers', { pods: [starting(0)] }, 'absent'],
  [
    'a relay is down with what it had accepted',
    { pods: [good(0), starting(1)], away: new Map([['shared-1', now - 10 * minute]]) },
    'True RelayAway: shared-1 neither takes nor delivers mail, for longer than spec.queue.maxAge: what it had accepted waits ' +
      'on data-shared-1 until its pod runs again',
  ],
  [
    'a relay is down, and mail may wait so long',
    { pods: [good(0), starting(1)], away: new Map([['shared-1', now - 9 * minute]]) },
    'False AsExpected',
  ],
  [
    'a relay is down that is to leave: ScalingDown tells',
    { ...smaller(good(0), starting(1)), away: new Map([['shared-1', now - 10 * minute]]) },
    'False AsExpected',
  ],
])('Degraded: %s', (_name, more, says) => {
  expect(told('Degraded', more)).toContain(says)
})

test('where no pod could be listed, none is said to be missing, and nothing is counted', () => {
  const { further, fields } = fleetStanding(evidence({ pods: [], knowsPods: false }), () => undefined)
  expect(further.find(({ type }) => type === 'Available')).toMatchObject({ status: 'Unknown', reason: 'PodsUnread' })
  expect(fields).toEqual({ configHash: newest })
})

test('the pods are listed by name, and whoever leaves is not', () => {
  const pods = [starting(2), lagging(1, 100), good(0), { pod: pod(3, { leaving: true }), report: report() }]
  expect(fleetStanding(evidence({ pods }), (uid) => (uid.endsWith('0') ? 20 : undefined)).fields).toEqual({
    replicas: 3,
    readyReplicas: 2,
    configHash: newest,
    pods: [
      { name: 'shared-0', ready: true, configHash: newest, queued: 20 },
      { name: 'shared-1', ready: true, configHash: older },
      { name: 'shared-2', ready: false },
    ],
  })
})

const routesAfter = (more: Partial<FleetEvidence>, before?: FleetStanding): unknown =>
  fleetStanding(evidence(more), () => 20, before).fields['routes']

test('each smarthost is told at its worst, with why, in the order of its relays', () => {
  expect(
    routesAfter(
      reporting(
        [well, smarthost('backup', 'unproven')],
        [smarthost('ses', 'ejected', 'no'), smarthost('backup', 'paused', 'slowly')],
      ),
    ),
  ).toEqual([
    {
      name: 'default',
      smarthosts: [
        { name: 'ses', health: 'Ejected', lastReply: { code: 454, status: '4.7.0', text: 'no' } },
        { name: 'backup', health: 'Paused', lastReply: { code: 454, status: '4.7.0', text: 'slowly' } },
      ],
    },
  ])
  expect(routesAfter(reporting([well], [well]))).toEqual([
    { name: 'default', smarthosts: [{ name: 'ses', health: 'Healthy' }] },
  ])
  expect(routesAfter({ pods: [starting(0)] })).toBeUndefined()
})

test('the words of one attempt after the other are no news, those of another reply are', () => {
  const saying = (text: string, code = 454): Partial<FleetEvidence> =>
    reporting([{ ...left, lastReply: { code, status: '4.7.0', text } }])
  const first = standing(saying('try later (id 1)'))
  expect(fleetStanding(evidence(saying('try later (id 2)')), () => 20, first)).toEqual(first)
  expect(JSON.stringify(routesAfter(saying('gone', 421), first))).toContain('gone')
})

test('an old queue and a lag say the same a minute later', () => {
  const at = (ms: number) => {
    const queue = { ...old, oldestSeconds: old.oldestSeconds + ms / 1000 }
    return fleetStanding(evidence({ pods: [lagging(0, 40_000, { queue })], now: now + ms }), () => 1)
  }
  expect(at(60_000)).toEqual(at(0))
})

test('it is down only after a while without any relay', () => {
  expect(standing({ pods: [starting(0)], noneReadySince: now - 5000 }).down).toBe(false)
  expect(standing({ pods: [starting(0)], noneReadySince: now - 30_000 }).down).toBe(true)
  expect(standing({ pods: [lagging(0, 99_000)] }).down).toBe(false)
  expect(standing({ replicas: 0 }).down).toBe(true)
})

test('whatever is said by others is cut', () => {
  const waiting = 'x'.repeat(100_000)
  const { programmed, further } = standing({ pods: [starting(0, { waiting })], noneReadySince: 0 })
  for (const { message } of [programmed, ...further]) expect(message.length).toBeLessThanOrEqual(2048)
})

test.each<[string, Partial<FleetEvidence>, number]>([
  ['a lag is worth a word', { pods: [lagging(0, 500)] }, now + 1000],
  ['and later an Event', { pods: [lagging(0, 5000)] }, now + 25_000],
  ['a certificate comes near its end', ending(15), now + day],
  ['a relay is down', { away: new Map([['shared-1', now - minute]]) }, now + 9 * minute],
  ['a pod does not end', { pods: [good(0), leaves(1, now + 1000)] }, now + 31_000],
  ['nothing ever changes by itself', {}, Number.POSITIVE_INFINITY],
])('the next moment: %s', (_name, more, at) => {
  expect(nextMoment(evidence(more))).toBe(at)
})

test.each([
  [0, 0],
  [1, 1],
  [3, 2],
  [9, 5],
  [10, 10],
  [999, 500],
  [1000, 1000],
  [123_456, 100_000],
])('%i messages are said as %i', (count, figure) => {
  expect(roundFigure(count)).toBe(figure)
})
