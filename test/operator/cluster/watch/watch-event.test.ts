/** Each line of a watch is read as an object, a deletion, a bookmark, an error, or as garbled. */
import { expect, test } from 'vitest'
import { watchEvent } from '../../../../operator/cluster/watch/watch-event.ts'

const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'n', resourceVersion: '7' } }
const line = (type: unknown, about: unknown): string => JSON.stringify({ type, object: about })

test.each<[string, string, object]>([
  ['ADDED gives the object', line('ADDED', object), { kind: 'is', object }],
  ['MODIFIED gives the object', line('MODIFIED', object), { kind: 'is', object }],
  ['DELETED gives the object as gone', line('DELETED', object), { kind: 'gone', object }],
  [
    'BOOKMARK gives a version, without a name',
    line('BOOKMARK', { metadata: { resourceVersion: '9' } }),
    { kind: 'bookmark', resourceVersion: '9' },
  ],
  ['ERROR 410 says that the version has expired', line('ERROR', { code: 410, reason: 'Expired' }), { kind: 'expired' }],
  ['ERROR Gone without a code says the same', line('ERROR', { reason: 'Gone' }), { kind: 'expired' }],
  [
    'any other ERROR is a refusal with its code',
    line('ERROR', { code: 500, message: 'etcd' }),
    { kind: 'refused', error: { code: 500 } },
  ],
  ['ERROR without a status is a refusal', line('ERROR', undefined), { kind: 'refused' }],
  ['half a line is garbled', '{"type":"ADDED","obj', { kind: 'garbled' }],
  ['JSON that is no event is garbled', 'null', { kind: 'garbled' }],
  ['an event without a name is garbled', line('ADDED', { metadata: { resourceVersion: '7' } }), { kind: 'garbled' }],
  ['an event whose object has no version is garbled', line('ADDED', { metadata: { name: 'a' } }), { kind: 'garbled' }],
  ['an event of an unknown type is garbled', line('SURPRISE', object), { kind: 'garbled' }],
])('%s', (_name, text, expected) => {
  expect(watchEvent(text)).toMatchObject(expected)
})
