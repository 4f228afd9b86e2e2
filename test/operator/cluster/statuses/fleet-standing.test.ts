/** Beside Programmed, a fleet has conditions and fields that follow from its relays, and none changes only because time passes. */
import { expect, test } from 'vitest'
import { relayPolicy } from '../../../../crds/relay-policy.ts'
import { statusProblems } from '../../../../crds/validate.ts'
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
  ['every relay is ready', {}, 'True MinimumReplicasAvailable: 2 of 2 relays are ready'],
  [
    'one of two relays is not ready, which is allowed',
    { pods: [good(0), starting(1, { waiting: 'OOMKilled' })] },
    'True MinimumReplicasAvailable: 1 of 2 relays are ready: shared-1: OOMKilled',
  ],
  [
    'one of three relays is ready, which is too few',
    { replicas: 3, pods: [good(0)] },
    'False MinimumReplicasUnavailable: 1 of 3 relays are ready: 2 pods are not there',
  ],
  [
    'one of three relays is ready, and the policy allows two to be away',
    { replicas: 3, maxUnavailable: 2, pods: [good(0)] },
    'True MinimumReplicasAvailable: 1 of 3',
  ],
  ['the only relay is not there', { replicas: 1, pods: [] }, 'False MinimumReplicasUnavailable'],
  ['no replicas are declared', { replicas: 0, pods: [] }, 'False Stopped'],
  [
    'pods are missing, which are named with where to see why',
    { replicas: 4, pods: [good(0), starting(2)] },
    '1 of 4 relays are ready: shared-2: it is not ready yet; 2 pods are not there (shared-1, shared-3); what keeps them, ' +
      'as a quota or Pod Security, is in the Events of StatefulSet mail/shared: kubectl -n mail describe statefulset shared',
  ],
  [
    'a pod is being deleted in time',
    { pods: [good(0), leaves(1, now + 1000)] },
    'True MinimumReplicasAvailable: 1 of 2 relays are ready: shared-1: it is being deleted',
  ],
  [
    'a pod should have been deleted by now, since its node is gone',
    { pods: [good(0), leaves(1, now - minute, { waiting: 'its node, n1, is not heard of' })] },
    'shared-1: it is being deleted, and its node, n1, is not heard of; it was to be gone by 2026-11-24T02:59:00Z: see to its ' +
      'node and its metadata.finalizers, or if the node is gone for good, kubectl -n mail delete pod shared-1 --force',
  ],
  [
    'a pod that is deleted beyond the replicas is not missed',
    { pods: [good(0), good(1), leaves(2, now - minute)] },
    '2 of 2 relays are ready$',
  ],
  ['a held fleet has as many relays as it had', { replicas: undefined }, 'True MinimumReplicasAvailable: 2 of 2'],
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
  ['every relay stays', {}, 'absent'],
  [
    'one relay leaves',
    smaller(good(0), leaving(1, minute)),
    'True Draining: 1 relays are to stay; shared-1 leaves since 2026-11-24T02:59:00Z and has 20 messages or more; a relay goes when its queue is empty',
  ],
  [
    'every relay leaves, since the policy is deleted',
    deleted(leaving(0, minute, { drain: 'Drained' }), leaving(1, minute)),
    'True Draining: the policy is being deleted, and is gone when no relay has mail; shared-1 leaves since 2026-11-24T02:59:00Z and has 20 messages or more; shared-0 has no mail left; what the next hop replies is in status.routes and in its log; to let it go with its mail, which stays on data-shared-1, annotate the policy with relayfleet.dev/discard-queue=true',
  ],
  [
    'the policy is deleted, and no relay has mail',
    deleted(leaving(0, minute, { drain: 'Drained' })),
    'True Draining: the policy is being deleted, and is gone when no relay has mail; shared-0 has no mail left',
  ],
  [
    'the policy is deleted and suspended',
    { ...deleted(leaving(0, minute)), suspended: true },
    'spec.suspended is true, so nothing is delivered: set it to false',
  ],
  [
    'the relay that leaves is empty',
    smaller(good(0), leaving(1, minute, { drain: 'Drained' })),
    'True Draining: 1 relays are to stay; shared-1 has no mail left',
  ],
  [
    'the relay that leaves is past its drain timeout',
    smaller(good(0), leaving(1, 30 * minute)),
    'True DrainOverdue: 1 relays are to stay; shared-1 leaves since',
  ],
  [
    'the message for an overdue relay says how to give up its mail',
    smaller(good(0), leaving(1, 30 * minute)),
    'which stays on data-shared-1, annotate the policy with relayfleet.dev/discard-queue=true',
  ],
  [
    'a relay that is empty after its drain timeout is not overdue',
    smaller(good(0), leaving(1, 30 * minute, { drain: 'Drained' })),
    'True Draining',
  ],
  [
    'the relay that leaves does not answer',
    smaller(good(0), { pod: pod(1, { drainSince: now }) }),
    'True DrainUnknown: 1 relays are to stay; shared-1 leaves since 2026-11-24T03:00:00Z and does not say what it has: it does not answer',
  ],
  [
    'the relay that leaves can not start',
    smaller(good(0), { pod: pod(1, { ready: false, drainSince: now, waiting: 'OOMKilled' }) }),
    'does not say what it has: OOMKilled',
  ],
  [
    'the relay that leaves has no pod',
    smaller(good(0)),
    'True DrainUnknown: 1 relays are to stay; shared-1 leaves and does not say what it has: it is not there',
  ],
  [
    'for a relay without a pod the message says where to see what keeps it',
    smaller(good(0)),
    'it is not there; what keeps it, as a quota or Pod Security, is in the Events of StatefulSet mail/shared',
  ],
  [
    'the pod of the relay that leaves does not end',
    smaller(good(0), leaves(1, now - minute)),
    'does not say what it has: it is being deleted; it was to be gone by 2026-11-24T02:59:00Z: see to its node',
  ],
  [
    'the policy is suspended, so that no queue gets empty',
    { ...smaller(good(0), leaving(1, minute)), suspended: true },
    'spec.suspended is true, so nothing is delivered',
  ],
  ['a held fleet stays as it is', { ...smaller(good(0), good(1)), replicas: undefined }, 'absent'],
])('ScalingDown: %s', (_name, more, says) => {
  expect(told('ScalingDown', more)).toContain(says)
})

test('a relay that leaves does not count for Programmed, Available or Degraded, and its entry has since when it leaves', () => {
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

test('the next moment to look is when a certificate becomes valid', () => {
  expect(nextMoment(evidence(beginning(7)))).toBe(now + 7 * day)
})

test('the next moment to look is when a drain timeout ends', () => {
  expect(nextMoment(evidence(smaller(good(0), leaving(1, minute))))).toBe(now + 29 * minute)
})

test.each<[string, Partial<FleetEvidence>, string]>([
  ['no certificate is known', {}, 'absent'],
  [
    'every certificate lasts for three months',
    ending(90, 89),
    'True CertificateValid: every certificate is good until 2027-02-21',
  ],
  [
    'a certificate of one relay ends within two weeks',
    ending(60, 13),
    'False CertificateExpiresSoon: the certificate of listener',
  ],
  [
    'a certificate of one relay has ended',
    ending(60, -1),
    'False CertificateExpired: the certificate of listener submission ended at 2026-11-23',
  ],
  [
    'a certificate of one relay begins in a week',
    beginning(-1, 7),
    'False CertificateNotYetValid: the certificate of listener submission begins at 2026-12-01',
  ],
  ['a certificate has just begun', beginning(-1, 0), 'True CertificateValid: every certificate is good until'],
  [
    'the certificate that the operator issued ends tomorrow',
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
/** A fleet whose relays report these smarthosts, one list for each relay. */
const reporting = (...smarthosts: (readonly Smarthost[])[]): Partial<FleetEvidence> => ({
  pods: smarthosts.map((all, i) => good(i, { smarthosts: all })),
})
const [left, well, fresh] = [smarthost('ses', 'ejected'), smarthost('ses', 'healthy'), smarthost('ses', 'unproven')]
test.each<[string, Partial<FleetEvidence>, string]>([
  ['every relay is well', {}, 'False AsExpected'],
  [
    'the disk of a relay is full',
    first({ ready: false, notReady: ['disk full'] }),
    'True NotReady: shared-0 takes no mail now: disk',
  ],
  ['a relay has a file that went bad', first({ stale: ['ca.crt'] }), 'True StaleFiles: ca.crt'],
  ['a queue is too old', first({ queue: old }), 'True QueueOld: mail waits at shared-0'],
  ['every relay has ejected a smarthost', reporting([left], [left]), 'True SmarthostEjected: default/ses (route'],
  ['one relay of two has ejected a smarthost', reporting([left], [well]), 'False AsExpected'],
  [
    'one relay has ejected a smarthost, and the others have not tried it',
    reporting([fresh], [left], [fresh]),
    'True SmarthostEjected: default/ses (route',
  ],
  ['no relay answers, so nothing is known', { pods: [starting(0)] }, 'absent'],
  [
    'a relay has been down with its queue for longer than queue.maxAge',
    { pods: [good(0), starting(1)], away: new Map([['shared-1', now - 10 * minute]]) },
    'True RelayAway: shared-1 neither takes nor delivers mail, for longer than spec.queue.maxAge: what it had accepted waits ' +
      'on data-shared-1 until its pod runs again',
  ],
  [
    'a relay has been down for less than queue.maxAge',
    { pods: [good(0), starting(1)], away: new Map([['shared-1', now - 9 * minute]]) },
    'False AsExpected',
  ],
  [
    'a relay that leaves is down, which ScalingDown tells',
    { ...smaller(good(0), starting(1)), away: new Map([['shared-1', now - 10 * minute]]) },
    'False AsExpected',
  ],
])('Degraded: %s', (_name, more, says) => {
  expect(told('Degraded', more)).toContain(says)
})

test('where no pod could be listed, Available is Unknown and no relays are counted', () => {
  const { further, fields } = fleetStanding(evidence({ pods: [], knowsPods: false }), () => undefined)
  expect(further.find(({ type }) => type === 'Available')).toMatchObject({ status: 'Unknown', reason: 'PodsUnread' })
  expect(fields).toEqual({ configHash: newest })
})

test('the relays are listed by name, without one that is being deleted', () => {
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

test('each smarthost is told with the worst health that a relay reports, and the last reply', () => {
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

test('another text of the same reply code changes nothing, and another code does', () => {
  const saying = (text: string, code = 454): Partial<FleetEvidence> =>
    reporting([{ ...left, lastReply: { code, status: '4.7.0', text } }])
  const first = standing(saying('try later (id 1)'))
  expect(fleetStanding(evidence(saying('try later (id 2)')), () => 20, first)).toEqual(first)
  expect(JSON.stringify(routesAfter(saying('gone', 421), first))).toContain('gone')
})

test('conditions for an old queue and a lag are the same a minute later', () => {
  const at = (ms: number) => {
    const queue = { ...old, oldestSeconds: old.oldestSeconds + ms / 1000 }
    return fleetStanding(evidence({ pods: [lagging(0, 40_000, { queue })], now: now + ms }), () => 1)
  }
  expect(at(60_000)).toEqual(at(0))
})

test('a fleet is down only after half a minute without a ready relay', () => {
  expect(standing({ pods: [starting(0)], noneReadySince: now - 5000 }).down).toBe(false)
  expect(standing({ pods: [starting(0)], noneReadySince: now - 30_000 }).down).toBe(true)
  expect(standing({ pods: [lagging(0, 99_000)] }).down).toBe(false)
  expect(standing({ replicas: 0 }).down).toBe(true)
})

test('words of others are cut to what a status allows', () => {
  const waiting = 'x'.repeat(100_000)
  const { programmed, further } = standing({ pods: [starting(0, { waiting })], noneReadySince: 0 })
  for (const { message } of [programmed, ...further]) expect(message.length).toBeLessThanOrEqual(2048)
})

test('the status of a fleet that was made larger by hand than any policy can be is one that the API server takes', () => {
  const relays = Array.from({ length: 130 }, (_, i) => i)
  const spools = relays.map((i) => ({ name: `shared-${i}`, id: `spool ${i}` }))
  const { fields } = standing({ pods: relays.map((i) => good(i)), spools, standing: 130 })
  expect(statusProblems(relayPolicy, fields)).toEqual([])
  expect(fields['spools']).toEqual(spools.slice(0, 100))
})

test.each<[string, Partial<FleetEvidence>, number]>([
  ['a lag becomes NotLoaded', { pods: [lagging(0, 500)] }, now + 1000],
  ['a lag becomes Lagging', { pods: [lagging(0, 5000)] }, now + 25_000],
  ['a certificate is about to end soon', ending(15), now + day],
  ['a relay that is down exceeds queue.maxAge', { away: new Map([['shared-1', now - minute]]) }, now + 9 * minute],
  ['a pod that is being deleted is overdue', { pods: [good(0), leaves(1, now + 1000)] }, now + 31_000],
  ['never, where nothing changes by itself', {}, Number.POSITIVE_INFINITY],
])('the next moment to look: %s', (_name, more, at) => {
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
])('%i messages are told as %i', (count, figure) => {
  expect(roundFigure(count)).toBe(figure)
})
