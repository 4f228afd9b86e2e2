/** What went wrong with a fleet is told with the object, the words of the API server and what to do, and no longer than a status allows. */
import { expect, test } from 'vitest'
import { type ApiError, refusal } from '../../../../operator/cluster/api/api-error.ts'
import { appliedTrouble, errorTrouble, isNamespaceLeaving } from '../../../../operator/cluster/fleets/fleet-trouble.ts'

const refused = (code: number, message: string): ApiError => refusal('PATCH /x', code, { message })

test.each<[string, Parameters<typeof appliedTrouble>[0], string | undefined]>([
  [
    'an object that was applied is no trouble',
    { kind: 'applied', object: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'x' } } },
    undefined,
  ],
  [
    'an object of somebody else is left as it is',
    { kind: 'foreign', what: 'Service mail/x' },
    "there is a Service mail/x that is not this fleet's, and it is left as it is; rename or delete it, or give the policy another name",
  ],
  [
    'an object that has lost our label is left as it is',
    { kind: 'foreign', what: 'Service mail/x', lost: ['app.kubernetes.io/managed-by=relayfleet'] },
    'Service mail/x has lost its label app.kubernetes.io/managed-by=relayfleet, and is left as it is without it; put it on again',
  ],
  [
    'an object that is being deleted is waited for',
    { kind: 'leaving', what: 'Service mail/x' },
    'Service mail/x is still being deleted; if that takes long, look at its finalizers and at the garbage collector',
  ],
  [
    'a field that others apply too is not overwritten',
    { kind: 'contested', what: 'Service mail/x', managers: ['argocd', 'flux'], fields: ['.spec.type', '.spec.ports'] },
    'Service mail/x: .spec.type, .spec.ports is also applied by argocd, flux, and nobody is overwritten; take it out of what argocd, flux applies',
  ],
])('%s', (_name, applied, expected) => {
  expect(appliedTrouble(applied)).toBe(expected)
})

test.each([
  [403, 'secrets is forbidden: User "x" cannot patch resource "secrets"', "the operator's account"],
  [403, 'pods "x" is forbidden: exceeded quota: few', 'raise the quota'],
  [500, 'Internal error: failed calling webhook "a.example": timeout', 'see to that webhook'],
  [422, 'Secret "x" is invalid: data: Forbidden: field is immutable when `immutable` is set', '--cascade=foreground'],
  [422, 'Service "x" is invalid: spec.clusterIPs[0]: field is immutable', 'delete the object'],
  [422, 'spec: Forbidden: updates to statefulset spec for fields other than these are forbidden', '--cascade=orphan'],
  [403, "ValidatingAdmissionPolicy 'm-relays' denied request: a relay's pod has nothing of its node", 'take it out'],
  [403, "ValidatingAdmissionPolicy 'm-relays' denied request: a relay's pod has no account", 'take it out'],
  [
    403,
    "ValidatingAdmissionPolicy 'm-finalizer' denied request: of a RelayPolicy the operator changes its own finalizer",
    'have it leave',
  ],
  [503, 'etcd is away', 'it is tried again'],
])('%s %s: the message says what to do', (code, message, mend) => {
  const trouble = errorTrouble('writing Secret mail/x', refused(code, message))
  expect(trouble.startsWith('writing Secret mail/x: ')).toBe(true)
  expect(trouble).toContain(message)
  expect(trouble).toContain(mend)
})

test('a long message is cut', () => {
  expect(errorTrouble('writing', refused(500, 'x'.repeat(5000))).length).toBeLessThan(500)
})

test('that a namespace is being deleted is known by the words of the API server', () => {
  const gone = 'secrets "x" is forbidden: unable to create new content in namespace mail because it is being terminated'
  expect(isNamespaceLeaving(refused(403, gone))).toBe(true)
  expect(isNamespaceLeaving(refused(403, 'no'))).toBe(false)
  expect(isNamespaceLeaving(new Error(gone))).toBe(false)
})
