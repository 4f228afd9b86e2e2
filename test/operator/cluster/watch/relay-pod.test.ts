/** What the API server says of a relay's pod is read: its address, whether it is ready or leaves, and what it waits for. */
import { expect, test } from 'vitest'
import { relayPodOf } from '../../../../operator/cluster/watch/relay-pod.ts'

const pod = (status: object, metadata: object = {}) =>
  relayPodOf({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'shared-0', namespace: 'mail', uid: 'u1', ...metadata },
    spec: {
      nodeName: 'n1',
      // An admission webhook may put another container before that of the relay.
      containers: [
        { name: 'proxy', ports: [{ name: 'http', containerPort: 15000 }] },
        { name: 'relay', ports: [{ name: 'http', containerPort: 9466 }] },
        { name: 'mesh', ports: [{ containerPort: 15090 }] },
      ],
    },
    status,
  })

const containersReady = { type: 'ContainersReady', status: 'True' }
const ready = { type: 'Ready', status: 'True' }
const state = (is: object, more: object = {}) => ({ containerStatuses: [{ name: 'relay', state: is, ...more }] })

test('a pod that serves has its address, its port and Ready', () => {
  expect(pod({ podIP: '10.0.0.7', conditions: [ready], ...state({ running: {} }) })).toEqual({
    namespace: 'mail',
    name: 'shared-0',
    uid: 'u1',
    ip: '10.0.0.7',
    httpPort: 9466,
    ready: true,
    leaving: false,
    takesMail: false,
  })
})

test('a pod with the label takes-mail gets clients from its Service', () => {
  const labels = { 'relayfleet.dev/takes-mail': 'true' }
  expect(pod({}, { labels }).takesMail).toBe(true)
})

test('a pod that was only just created is not ready and has no address', () => {
  expect(pod({})).toMatchObject({ ready: false, leaving: false })
  expect(Object.keys(pod({ podIP: '' }))).not.toContain('ip')
})

test('a pod that is being deleted is leaving, with the time by which it has to be gone', () => {
  expect(pod({ conditions: [ready] }, { deletionTimestamp: '2026-01-01T00:00:00Z' })).toMatchObject({
    ready: true,
    leaving: true,
    goneBy: Date.parse('2026-01-01T00:00:00Z'),
  })
})

test.each<[string, object, string | undefined]>([
  ['nothing, while it runs', state({ running: {} }), undefined],
  [
    'its image',
    state({ waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image "a"' } }),
    'ImagePullBackOff: Back-off pulling image "a"',
  ],
  ['a volume', state({ waiting: { reason: 'ContainerCreating' } }), 'ContainerCreating'],
  [
    'another start after a crash',
    state(
      { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } },
      { lastState: { terminated: { exitCode: 78, reason: 'Error' } } },
    ),
    'CrashLoopBackOff: back-off 10s (it ended with exit code 78)',
  ],
  [
    'what comes after an error',
    state({ terminated: { exitCode: 1, reason: 'Error' } }),
    'Error (it ended with exit code 1)',
  ],
  [
    'another start, with the last line of its log, which says why it ended, and no other line',
    state(
      { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } },
      {
        lastState: { terminated: { exitCode: 1, reason: 'Error', message: '{"from":"a@b"}\nrelay: no certificate\n' } },
      },
    ),
    'CrashLoopBackOff: back-off 10s (it ended with exit code 1: no certificate)',
  ],
  [
    'what comes after an error, without its log, whose last line is about mail',
    state({ terminated: { exitCode: 1, reason: 'Error', message: 'relay: b\n{"from":"a@b"}\n' } }),
    'Error (it ended with exit code 1)',
  ],
  [
    'a program that its image does not have',
    state({ terminated: { exitCode: 128, reason: 'StartError', message: 'exec: no such file' } }),
    'StartError: exec: no such file (it ended with exit code 128)',
  ],
  ['nothing, once it has completed', state({ terminated: { exitCode: 0, reason: 'Completed' } }), undefined],
  [
    'a container that has to start before it',
    { initContainerStatuses: [{ name: 'mesh', state: { waiting: { reason: 'ErrImagePull' } } }] },
    'ErrImagePull',
  ],
  [
    'a node',
    {
      conditions: [
        { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available' },
      ],
    },
    'Unschedulable: 0/3 nodes are available',
  ],
  [
    'word of its node, which does not report',
    { conditions: [{ ...ready, status: 'False' }, containersReady], ...state({ running: {} }) },
    'its node, n1, is not heard of',
  ],
  [
    'a readiness gate',
    {
      conditions: [
        { ...ready, status: 'False', reason: 'ReadinessGatesNotReady', message: 'not yet' },
        containersReady,
      ],
    },
    'ReadinessGatesNotReady: not yet',
  ],
  [
    'nothing that the cluster knows, while its own container is not ready',
    {
      conditions: [
        { ...ready, status: 'False', reason: 'ContainersNotReady' },
        { ...containersReady, status: 'False' },
      ],
    },
    undefined,
  ],
  [
    'nothing any more, since it was evicted',
    { phase: 'Failed', reason: 'Evicted', message: 'low on memory' },
    'Evicted: low on memory',
  ],
])('a pod waits for %s', (_name, status, waiting) => {
  expect(pod(status).waiting).toBe(waiting)
})
