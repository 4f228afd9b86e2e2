/** What the operator sees of a pod, as the API server words it. */
import { expect, test } from 'vitest'
import { relayPodOf } from '../../../../operator/cluster/watch/relay-pod.ts'

const pod = (status: object, metadata: object = {}) =>
  relayPodOf({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'shared-0', namespace: 'mail', uid: 'u1', ...metadata },
    spec: {
      nodeName: 'n1',
      // An admission webhook may put one before it.
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

test('one that serves', () => {
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

test('one that its Service sends clients to', () => {
  const labels = { 'relayfleet.dev/takes-mail': 'true' }
  expect(pod({}, { labels }).takesMail).toBe(true)
})

test('one that was only just made', () => {
  expect(pod({})).toMatchObject({ ready: false, leaving: false })
  expect(Object.keys(pod({ podIP: '' }))).not.toContain('ip')
})

test('one that leaves', () => {
  expect(pod({ conditions: [ready] }, { deletionTimestamp: '2026-01-01T00:00:00Z' })).toMatchObject({
    ready: true,
    leaving: true,
    goneBy: Date.parse('2026-01-01T00:00:00Z'),
  })
})

test.each<[string, object, string | undefined]>([
  ['nothing', state({ running: {} }), undefined],
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
    'another start, when it has said why it can not: in its last line, and nothing else of its log',
    state(
      { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } },
      {
        lastState: { terminated: { exitCode: 1, reason: 'Error', message: '{"from":"a@b"}\nrelay: no certificate\n' } },
      },
    ),
    'CrashLoopBackOff: back-off 10s (it ended with exit code 1: no certificate)',
  ],
  [
    'what comes after an error, whose log tells of mail',
    state({ terminated: { exitCode: 1, reason: 'Error', message: 'relay: b\n{"from":"a@b"}\n' } }),
    'Error (it ended with exit code 1)',
  ],
  [
    'a program that its image does not have',
    state({ terminated: { exitCode: 128, reason: 'StartError', message: 'exec: no such file' } }),
    'StartError: exec: no such file (it ended with exit code 128)',
  ],
  ['the end', state({ terminated: { exitCode: 0, reason: 'Completed' } }), undefined],
  [
    'a container before it',
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
    'word of its node, which is gone',
    { conditions: [{ ...ready, status: 'False' }, containersReady], ...state({ running: {} }) },
    'its node, n1, is not heard of',
  ],
  [
    'what others add to being ready',
    {
      conditions: [
        { ...ready, status: 'False', reason: 'ReadinessGatesNotReady', message: 'not yet' },
        containersReady,
      ],
    },
    'ReadinessGatesNotReady: not yet',
  ],
  [
    'its own word: not ready yet',
    {
      conditions: [
        { ...ready, status: 'False', reason: 'ContainersNotReady' },
        { ...containersReady, status: 'False' },
      ],
    },
    undefined,
  ],
  [
    'nobody: it was evicted',
    { phase: 'Failed', reason: 'Evicted', message: 'low on memory' },
    'Evicted: low on memory',
  ],
])('it waits for %s', (_name, status, waiting) => {
  expect(pod(status).waiting).toBe(waiting)
})
