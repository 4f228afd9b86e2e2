/** The Secret of a binding is judged as whole, outdated, damaged, leaving or somebody else's. */
import { expect, test } from 'vitest'
import type { KubeObject } from '../../../../operator/cluster/api/object.ts'
import { bindingObject } from '../../../../operator/cluster/bindings/binding-object.ts'
import { bindingStateOf } from '../../../../operator/cluster/bindings/binding-state.ts'
import { marked } from '../../../../operator/cluster/write/ownership.ts'
import type { Binding } from '../../../../operator/compile/compiled.ts'
import { owed } from '../owed.ts'

const password = 'p'.repeat(43)
const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** A binding Secret as the operator made it, with what was changed in it since. */
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
  ['a missing Secret is absent', { is: 'absent' }, 'absent'],
  ['a Secret that may not be looked at is foreign', { is: 'foreign' }, 'foreign'],
  ['a Secret as it was made is whole', there(), 'whole', password],
  [
    'a Secret with another key and another label beside ours is whole',
    there({ data: { theirs: 'eA==' }, metadata: { labels: { ...ours, x: 'y' } } }),
    'whole',
    password,
  ],
  [
    'a Secret with a second owner is whole',
    there({ metadata: { ownerReferences: [{ ...owner, controller: false, uid: 'x' }, owner] } }),
    'whole',
    password,
  ],
  ['a Secret that was made for another port is outdated', there({}, { port: 465 }), 'outdated', password],
  ['a Secret that was made with another label is outdated', there({}, { labels: { team: 'b' } }), 'outdated', password],
  ['a Secret with a changed host is damaged', there({ data: { host: base64('elsewhere') } }), 'damaged', password],
  ['a Secret without its uri is damaged', there({ data: { uri: undefined } }), 'damaged', password],
  ['a Secret without its owner is damaged', there({ metadata: { ownerReferences: [] } }), 'damaged', password],
  ['a Secret without its password is damaged', there({ data: { password: undefined } }), 'damaged'],
  ['a Secret with a malformed password is damaged', there({ data: { password: base64('hunter2') } }), 'damaged'],
  [
    'a Secret that was made for another port and has no password is damaged',
    there({ data: { password: '' } }, { port: 465 }),
    'damaged',
  ],
  ['a Secret of another type is foreign', there({ type: 'Opaque' }), 'foreign'],
  ['a Secret without our label is foreign', there({ metadata: { labels: {} } }), 'foreign'],
  [
    'the Secret of another credential is foreign',
    there({ metadata: { ownerReferences: [{ ...owner, name: 'other' }] } }),
    'foreign',
  ],
  [
    'the Secret of a fleet is foreign',
    there({ metadata: { ownerReferences: [{ ...owner, kind: 'RelayPolicy' }] } }),
    'foreign',
  ],
  [
    'a Secret that is being deleted is leaving',
    there({ metadata: { deletionTimestamp: '2026-11-24T00:00:00Z' } }),
    'leaving',
  ],
  [
    'the Secret of an earlier credential of the same name is leaving',
    there({ metadata: { ownerReferences: [{ ...owner, uid: 'old' }] } }),
    'leaving',
  ],
])('%s', (_name, seen, is, kept) => {
  const state = bindingStateOf(seen, owed())
  expect([state.is, 'password' in state ? state.password : undefined]).toEqual([is, kept])
})

test('another password of the right form is kept, and the Secret is outdated, so that its uri follows', () => {
  const other = 'q'.repeat(43)
  expect(bindingStateOf(there({ data: { password: base64(other) } }), owed())).toMatchObject({
    is: 'outdated',
    password: other,
  })
})
