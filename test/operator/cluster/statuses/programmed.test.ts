/** Programmed is True only when every relay that takes mail reports the very configuration that was compiled. */
import { expect, test } from 'vitest'
import type { FleetEvidence } from '../../../../operator/cluster/statuses/fleet-evidence.ts'
import { programmedBy } from '../../../../operator/cluster/statuses/programmed.ts'
import { evidence, good, lagging, newest, now, older, pod, report, silent, starting } from './fleet-evidence.ts'

type Row = readonly [string, Partial<FleetEvidence>, 'settled' | 'open', string, ...(readonly string[])]

const pulls = 'ImagePullBackOff: no such image'

const rows: readonly Row[] = [
  [
    'every ready relay reports the compiled configuration',
    {},
    'settled',
    'True Programmed',
    '(2)',
    'sha256:aaaaaaaaaaaa',
  ],
  [
    'one relay reports it and the other one starts',
    { pods: [good(0), starting(1)] },
    'settled',
    'True Programmed',
    '(1)',
  ],
  [
    'a relay that is not ready reports another configuration, which does not count',
    { pods: [good(0), { ...starting(1), report: report({ hash: older }) }] },
    'settled',
    'True Programmed',
  ],
  [
    'a relay that is being deleted reports another configuration, which does not count',
    { pods: [good(0), { pod: pod(1, { leaving: true }), report: report({ hash: older }) }] },
    'settled',
    'True Programmed',
  ],
  [
    'one relay has not loaded it for a moment',
    { pods: [good(0), lagging(1, 200)] },
    'open',
    'False NotLoaded',
    'shared-1',
  ],
  [
    'one relay has not loaded it for seconds',
    { pods: [good(0), lagging(1, 4000)] },
    'settled',
    'False NotLoaded',
    '1 of 2 ready relays',
    'shared-1 has sha256:bbbbbbbbbbbb, since 2026-11-24T02:59:56Z',
  ],
  [
    'the policy is deleted',
    { leaving: true, replicas: 0, pods: [] },
    'settled',
    'False Deleting',
    'its relays take no new mail',
  ],
  [
    'replicas were set back from 0, and the pods have not heard yet that they stay',
    {
      noneReadySince: now - 5000,
      pods: [0, 1].map((i) => ({ pod: pod(i, { drainSince: now - 1000 }), report: report({ drain: 'Drained' }) })),
    },
    'settled',
    'False NoRelayReady',
    'no relay is ready: shared-0: it is marked as one that leaves, and has yet to hear that it stays; shared-1: ',
  ],
  [
    'one relay has not loaded it for half a minute',
    { pods: [good(0), lagging(1, 31_000)] },
    'settled',
    'False Lagging',
    'shared-1',
  ],
  [
    'the pods could not be listed',
    { pods: [], knowsPods: false },
    'settled',
    'Unknown PodsUnread',
    'see whether the operator may list and watch pods',
  ],
  ['one relay has not answered for a moment', { pods: [good(0), silent(1, 100)] }, 'open', 'False NoAnswer'],
  [
    'one relay has not answered for seconds',
    { pods: [good(0), silent(1, 2000)] },
    'settled',
    'False NoAnswer',
    'shared-1 does not answer',
  ],
  [
    'one relay lags and the other one does not answer',
    { pods: [lagging(0, 2000), silent(1, 100)] },
    'settled',
    'False NotLoaded',
    'shared-0',
  ],
  [
    'one relay refuses it and goes on with the last good configuration',
    { pods: [good(0), lagging(1, 2000, { configError: 'no key in tls.crt' })] },
    'settled',
    'False ConfigurationRefused',
    'shared-1: no key in tls.crt',
  ],
  [
    'one relay refused an earlier configuration and has not seen this one yet',
    { pods: [good(0), lagging(1, 100, { configError: 'no key in tls.crt' })] },
    'open',
    'False NotLoaded',
  ],
  [
    'one relay has it and can not use it',
    { pods: [good(0), good(1, { configError: 'EADDRINUSE' })] },
    'settled',
    'False ConfigurationRefused',
    'shared-1: EADDRINUSE',
  ],
  [
    'no relay has been ready for a moment',
    { pods: [starting(0)], noneReadySince: now - 100 },
    'open',
    'False NoRelayReady',
  ],
  [
    'no relay is ready, since the image can not be pulled',
    { pods: [starting(0, { waiting: pulls }), starting(1)], noneReadySince: now - 5000 },
    'settled',
    'False NoRelayReady',
    `shared-0: ${pulls}`,
    'shared-1: it is not ready yet',
  ],
  [
    'no relay is ready, with the reason that the relay reports',
    {
      pods: [{ ...starting(0), report: report({ ready: false, notReady: ['disk full'] }) }],
      noneReadySince: now - 5000,
    },
    'settled',
    'False NoRelayReady',
    'shared-0: disk full',
  ],
  [
    'no relay is ready, with that reason beside what is wrong with its configuration',
    {
      pods: [{ ...starting(0), report: report({ ready: false, notReady: ['disk full'], configError: 'EADDRINUSE' }) }],
      noneReadySince: now - 5000,
    },
    'settled',
    'False NoRelayReady',
    'shared-0: disk full; EADDRINUSE',
  ],
  [
    'there is no pod',
    { pods: [], noneReadySince: now - 5000 },
    'settled',
    'False NoRelayReady',
    'StatefulSet mail/shared',
  ],
  [
    'a held fleet has no pod',
    { replicas: undefined, pods: [], noneReadySince: now - 5000 },
    'settled',
    'False NoRelayReady',
    '2 pods are not there (shared-0, shared-1)',
  ],
  [
    'no replicas are declared',
    { replicas: 0, pods: [], noneReadySince: now - 5000 },
    'settled',
    'False Stopped',
    'spec.replicas is 0',
  ],
  [
    'the configuration could not be written, and the earlier one runs',
    { written: { hash: newest, trouble: 'Service mail/shared is not ours' } },
    'settled',
    'False NotWritten',
    'Service mail/shared is not ours',
  ],
  [
    'the configuration is compiled and not written yet',
    { written: { hash: older }, pods: [lagging(0, 9000)] },
    'open',
    'Unknown Pending',
  ],
  ['no configuration was ever written', { written: {} }, 'open', 'Unknown Pending'],
  ['the fleet is held and never ran', { wanted: undefined, written: {} }, 'open', 'Unknown Pending'],
  [
    'nine relays lag, of which five are named',
    { pods: Array.from({ length: 9 }, (_, i) => lagging(i, 2000)) },
    'settled',
    'False NotLoaded',
    'shared-4',
    'and 4 more',
  ],
]

const told = rows.map(([name, more, settled, verdict, ...says]) => ({ name, more, settled, verdict, says }))
test.each(told)('where $name: $verdict', ({ more, settled, verdict, says }) => {
  const { programmed, settled: isSettled } = programmedBy(evidence(more))
  expect(`${programmed.status} ${programmed.reason}`).toBe(verdict)
  expect(isSettled).toBe(settled === 'settled')
  for (const words of says) expect(programmed.message).toContain(words)
})

test('the condition for a lag stays the same as time passes', () => {
  const at = (ms: number) => programmedBy(evidence({ pods: [lagging(0, 5000)], now: now + ms })).programmed
  expect(at(10_000)).toEqual(at(0))
})
