/** What one line of a watch says. */
import { expect, test } from 'vitest'
import { watchEvent } from '../../../../operator/cluster/watch/watch-event.ts'

const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'n', resourceVersion: '7' } }
const line = (type: unknown, about: unknown): string => JSON.stringify({ type, object: about })

test.each<[string, string, object]>([
  ['ADDED', line('ADDED', object), { kind: 'is', object }],
  ['MODIFIED', line('MODIFIED', object), { kind: 'is', object }],
  ['DELETED', line('DELETED', object), { kind: 'gone', object }],
  [
    'BOOKMARK has a version and no name',
    line('BOOKMARK', { metadata: { resourceVersion: '9' } }),
    { kind: 'bookmark', resourceVersion: '9' },
  ],
  ['ERROR 410', line('ERROR', { code: 410, reason: 'Expired' }), { kind: 'expired' }],
  ['ERROR Gone without a code', line('ERROR', { reason: 'Gone' }), { kind: 'expired' }],
  ['any other ERROR', line('ERROR', { code: 500, message: 'etcd' }), { kind: 'refused', error: { code: 500 } }],
  ['ERROR without a status', line('ERROR', undefined), { kind: 'refused' }],
  ['half a line', '{"type":"ADDED","obj', { kind: 'garbled' }],
  ['JSON that is no event', 'null', { kind: 'garbled' }],
  ['an event about nothing', line('ADDED', { metadata: { resourceVersion: '7' } }), { kind: 'garbled' }],
  ['an object without a version', line('ADDED', { metadata: { name: 'a' } }), { kind: 'garbled' }],
  ['an unknown type', line('SURPRISE', object), { kind: 'garbled' }],
])('%s', (_name, text, expected) => {
  expect(watchEvent(text)).toMatchObject(expected)
})
