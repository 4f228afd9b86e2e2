/** An object of the API server is read as what it declares: valid, with an error, leaving, or gone. */
import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../../../operator/cluster/api/object.ts'
import type { DeclaredObject } from '../../../../operator/cluster/watch/declared.ts'
import { declaredIn } from '../../../../operator/cluster/watch/declared.ts'
import { credentialSpec, policySpec } from '../../../crds/samples.ts'

const object = (kind: string, spec: unknown, metadata: object = {}, more: object = {}): KubeObject => ({
  apiVersion: 'relayfleet.dev/v1alpha1',
  kind,
  metadata: {
    name: 'web',
    namespace: 'team-a',
    uid: 'u1',
    resourceVersion: '7',
    generation: 3,
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels: { tier: 'one' },
    managedFields: [{ manager: 'kubectl', operation: 'Update' }],
    ...metadata,
  },
  spec,
  ...more,
})

test('a valid object is kept with its defaults, its labels and its status, and nothing else', () => {
  const status = { username: 'web.team-a' }
  const declared = declaredIn(object('RelayCredential', credentialSpec, {}, { status }))
  expect(declared).toEqual({
    ref: 'RelayCredential team-a/web',
    uid: 'u1',
    resourceVersion: '7',
    status,
    is: 'valid',
    resource: {
      kind: 'RelayCredential',
      namespace: 'team-a',
      name: 'web',
      id: 'team-a/web',
      ref: 'RelayCredential team-a/web',
      generation: 3,
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { tier: 'one' },
      spec: expect.objectContaining({ ...credentialSpec, type: 'Password', suspended: false }),
    },
  })
})

test('with another status the resource stays the very same object, and with another label or spec it does not', () => {
  const before = declaredIn(object('RelayCredential', credentialSpec))
  const resourceIn = (now: DeclaredObject | undefined) => (now?.is === 'valid' ? now.resource : undefined)
  const later = { resourceVersion: '8' }
  const status = declaredIn(object('RelayCredential', credentialSpec, later, { status: { username: 'x' } }), before)
  expect([status?.resourceVersion, status?.status]).toEqual(['8', { username: 'x' }])
  expect(resourceIn(status)).toBe(resourceIn(before))
  const labelled = declaredIn(object('RelayCredential', credentialSpec, { labels: { tier: 'two' } }), before)
  expect(resourceIn(labelled)?.labels).toEqual({ tier: 'two' })
  const suspended = declaredIn(object('RelayCredential', { ...credentialSpec, suspended: true }), before)
  expect(resourceIn(suspended)?.spec).toMatchObject({ suspended: true })
})

test('an object with an error is kept as it was written, with the field and what is wrong', () => {
  const spec = { ...policySpec, replicas: 'many' }
  expect(declaredIn(object('RelayPolicy', spec))).toMatchObject({
    ref: 'RelayPolicy team-a/web',
    status: {},
    is: 'invalid',
    invalid: {
      kind: 'RelayPolicy',
      namespace: 'team-a',
      name: 'web',
      generation: 3,
      creationTimestamp: '2026-01-01T00:00:00Z',
      spec,
      problems: [expect.stringMatching(/^spec\.replicas: /)],
    },
  })
})

test('an object that is being deleted counts as gone', () => {
  const leaving = { deletionTimestamp: '2026-02-01T00:00:00Z', finalizers: ['example.org/wait'] }
  expect(declaredIn(object('RelayPolicy', policySpec, leaving))).toBeUndefined()
})

describe('a policy that is kept until its mail is gone', () => {
  const kept = (...finalizers: readonly string[]) => ({
    deletionTimestamp: '2026-02-01T00:00:00Z',
    finalizers: ['relayfleet.dev/mail', ...finalizers],
  })

  test('is leaving, with the finalizers that keep it', () => {
    expect(declaredIn(object('RelayPolicy', policySpec, kept('example.org/wait')))).toMatchObject({
      finalizers: ['relayfleet.dev/mail', 'example.org/wait'],
      resource: { leaving: true },
    })
  })

  test('is leaving also with an error, and its annotations are kept', () => {
    const annotations = { 'relayfleet.dev/discard-queue': 'true' }
    const broken = object('RelayPolicy', { ...policySpec, replicas: 'many' }, { ...kept(), annotations })
    expect(declaredIn(broken)).toMatchObject({ is: 'invalid', invalid: { leaving: true, annotations } })
  })

  test('counts as gone while the garbage collector deletes what it owns', () => {
    expect(declaredIn(object('RelayPolicy', policySpec, kept('foregroundDeletion')))).toBeUndefined()
  })

  test('is not leaving before it is deleted', () => {
    const { finalizers } = kept()
    const declared = declaredIn(object('RelayPolicy', policySpec, { finalizers }))
    expect(declared).toMatchObject({ finalizers })
    expect(declared).not.toMatchObject({ resource: { leaving: true } })
  })

  test('is the only kind that is kept: a deleted credential with that finalizer is gone', () => {
    expect(declaredIn(object('RelayCredential', credentialSpec, kept()))).toBeUndefined()
  })
})

test('unknown metadata, which a later API server may add, does not make an object invalid', () => {
  expect(declaredIn(object('RelayPolicy', policySpec, { fromTheFuture: { a: 1 } }))?.is).toBe('valid')
})
