import { expect, test } from 'vitest'
import type { KubeObject } from '../../../../operator/cluster/api/object.ts'
import { bindingObject } from '../../../../operator/cluster/bindings/binding-object.ts'
import { bindingStateOf } from '../../../../operator/cluster/bindings/binding-state.ts'
import { marked } from '../../../../operator/cluster/write/ownership.ts'
import type { Binding } from '../../../../operator/compile/compiled.ts'
import { owed } from '../owed.ts'

const password = 'p'.repeat(43)
const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** As the operator made it, and as it was changed since. */
const there = (
  { metadata = {}, data = {}, ...more }: { metadata?: object; data?: object; type?: string } = {},
  was: Partial<Binding> = {},
) => {
  const made = marked(bindingObject(owed(was), password), owed().owner)
  const object = {
    ...made,
    metadata: { ...made.metadata, ...metadata },
    data: { ...(made['data'] as object), ...data },
    ...more,
  } as KubeObject
  return { is: 'there', object } as const
}
const owner = { ...owed().owner.reference }
const ours = { 'app.kubernetes.io/managed-by': 'relayfleet' }

test.each<[string, Parameters<typeof bindingStateOf>[0], string, string?]>([
  ['nothing', { is: 'absent' }, 'absent'],
  ['what may not be looked at', { is: 'foreign' }, 'foreign'],
  ['as it was made', there(), 'whole', password],
  [
    'with a key, a label and an owner more',
    there({ data: { theirs: 'eA==' }, metadata: { labels: { ...ours, x: 'y' } } }),
    'whole',
    password,
  ],
  [
    'owned by somebody else, too',
    there({ metadata: { ownerReferences: [{ ...owner, controller: false, uid: 'x' }, owner] } }),
    'whole',
    password,
  ],
  ['made for another port', there({}, { port: 465 }), 'outdated', password],
  ['made with another label', there({}, { labels: { team: 'b' } }), 'outdated', password],
  ['its host changed', there({ data: { host: base64('elsewhere') } }), 'damaged', password],
  ['its uri gone', there({ data: { uri: undefined } }), 'damaged', password],
  ['its owner gone', there({ metadata: { ownerReferences: [] } }), 'damaged', password],
  ['its password gone', there({ data: { password: undefined } }), 'damaged'],
  ['its password malformed', there({ data: { password: base64('hunter2') } }), 'damaged'],
  [
    'its password malformed since it was made for another port',
    there({ data: { password: '' } }, { port: 465 }),
    'damaged',
  ],
  ['of another type', there({ type: 'Opaque' }), 'foreign'],
  ['without our label', there({ metadata: { labels: {} } }), 'foreign'],
  ['another credential’s', there({ metadata: { ownerReferences: [{ ...owner, name: 'other' }] } }), 'foreign'],
  ['a fleet’s', there({ metadata: { ownerReferences: [{ ...owner, kind: 'RelayPolicy' }] } }), 'foreign'],
  ['being deleted', there({ metadata: { deletionTimestamp: '2026-11-24T00:00:00Z' } }), 'leaving'],
  [
    'of an earlier credential of that name',
    there({ metadata: { ownerReferences: [{ ...owner, uid: 'old' }] } }),
    'leaving',
  ],
])('%s', (_name, seen, is, kept) => {
  const state = bindingStateOf(seen, owed())
  expect([state.is, 'password' in state ? state.password : undefined]).toEqual([is, kept])
})

test('another password of the right form is taken for what it is, and the rest follows it', () => {
  const other = 'q'.repeat(43)
  expect(bindingStateOf(there({ data: { password: base64(other) } }), owed())).toMatchObject({
    is: 'outdated',
    password: other,
  })
})
