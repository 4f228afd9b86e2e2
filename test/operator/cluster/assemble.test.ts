/** A snapshot is assembled of what is declared, with every object in its place and the newest keys, in little time. */
import { expect, test } from 'vitest'
import { assemble, inCluster, policyNames } from '../../../operator/cluster/assemble.ts'
import type { DeclaredObject } from '../../../operator/cluster/watch/declared.ts'
import { deepFreeze } from '../../../operator/cluster/watch/freeze.ts'
import { compile } from '../../../operator/compile/compile.ts'
import { type Credential, type Domain, type Policy, refOf, type Snapshot } from '../../../operator/compile/snapshot.ts'
import type { RelayConfig } from '../../../relay/config.ts'
import { bigSnapshot, credential, domain, policy } from '../../compile/big-world.ts'
import { leastCpuMs } from '../../cpu-time.ts'

const identity = { uid: 'u', resourceVersion: '1' }
const valid = (resource: Policy | Domain | Credential, status = {}): DeclaredObject => ({
  ...identity,
  ref: refOf(resource),
  status,
  is: 'valid',
  resource,
})
const invalid = (kind: 'RelayPolicy' | 'RelayCredential', name: string, status = {}): DeclaredObject => ({
  ...identity,
  ref: `${kind} mail/${name}`,
  status,
  is: 'invalid',
  invalid: { kind, namespace: 'mail', name, generation: 1, problems: ['spec: bad'] },
})

const facts = {
  unread: [],
  namespaces: new Map(),
  secrets: new Map(),
  configMaps: new Map(),
  running: new Map(),
  place: inCluster,
} satisfies Partial<Snapshot>

const keysOf = (name: string, digit: string) => ({
  username: `${name}.mail`,
  keys: [{ id: 'k1', verifier: `sha256:${digit.repeat(64)}` }],
})
const other = (name: string) => ({ name, namespace: 'mail' })
const refs = { policyRef: { name: 'shared' }, senderDomainRefs: [{ name: 'example' }] }
const web = credential({ namespace: 'mail', name: 'web' }, refs)

test('every object is in the list of its kind, and one with an error among the invalid ones', () => {
  const [shared, example] = [
    policy({ namespace: 'mail', name: 'shared' }),
    domain({ namespace: 'mail', name: 'example' }, { domain: 'mail.example.org' }),
  ]
  const broken = invalid('RelayPolicy', 'broken')
  const declared = [valid(web), broken, valid(example), valid(shared)]
  const snapshot = assemble({ ...facts, declared, keys: new Map() })
  expect(snapshot).toMatchObject({ policies: [shared], domains: [example], credentials: [web] })
  expect(snapshot.invalid.map((i) => i.name)).toEqual(['broken'])
  expect(policyNames(declared)).toEqual(['mail/broken', 'mail/shared'])
})

test.each<[string, DeclaredObject, boolean, unknown]>([
  ['those that the status records', valid(web, keysOf('web', 'a')), false, keysOf('web', 'a')],
  [
    'those that were found in the Secret since then come before those of the status',
    valid(web, keysOf('web', 'a')),
    true,
    keysOf('web', 'b'),
  ],
  ['none, where neither has any', valid(web), false, undefined],
  [
    'those that the status of a credential with an error records',
    invalid('RelayCredential', 'web', keysOf('web', 'a')),
    false,
    keysOf('web', 'a'),
  ],
])('the keys of a credential are %s', (_name, object, found, expected) => {
  const keys = new Map(found ? [['mail/web', keysOf('web', 'b')] as const] : [])
  expect(assemble({ ...facts, declared: [object], keys }).bindingKeys.get('mail/web')).toEqual(expected)
})

test('10,000 credentials are assembled in less than a tenth of the CPU time that they take to compile', () => {
  const { policies, domains, credentials, namespaces } = bigSnapshot(1_000, 10_000)
  const declared = [...policies, ...domains, ...credentials].map((r) => valid(r, keysOf(r.name, 'a')))
  const all = { ...facts, declared, namespaces, keys: new Map() }
  const assembling = leastCpuMs(5, () => assemble(all))
  const compiling = leastCpuMs(2, () => compile(assemble(all)))
  expect(assemble(all).bindingKeys.size).toBe(10_000)
  console.log(`assembled 10,000 credentials in ${assembling.toFixed(1)} ms; compiled in ${compiling.toFixed(0)} ms`)
  expect(assembling).toBeLessThan(compiling / 10)
})

test.each<[string, object, ReadonlyMap<string, string>, boolean, string | undefined]>([
  ['a former name that differs from the declared one', { binding: { name: 'old' } }, new Map(), false, 'old'],
  ['none, where the recorded name is the declared one', { binding: { name: 'web' } }, new Map(), false, undefined],
  [
    'the name that was heard of later than that of the status',
    { binding: { name: 'older' } },
    new Map([['mail/web', 'old']]),
    true,
    'old',
  ],
  ['none, once the Secret of the new name exists', { binding: { name: 'old' } }, new Map(), true, undefined],
])('the former Secret that a status still names is %s', (_name, status, formerNames, isHeard, expected) => {
  const keys = new Map(isHeard ? [['mail/web' as const, keysOf('web', 'b')]] : [])
  const declared = [valid(web, { ...keysOf('web', 'a'), ...status })]
  const snapshot = assemble({ ...facts, declared, keys, formerNames: formerNames as ReadonlyMap<'mail/web', string> })
  expect(snapshot.formerSecrets?.get('mail/web')).toBe(expected)
  const { binding } = compile({ ...snapshot }).statuses.get('RelayCredential mail/web') as {
    binding?: { name: string }
  }
  expect(binding?.name).toBe(expected ?? 'web')
})

test('a namespace whose labels are not known yet is admitted by no selector, and keeps the rights that it had', () => {
  const selector = { matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['untrusted'] }] } as const
  const admits = { namespaces: { from: 'Selector', selector } } as const
  const shared = policy({ namespace: 'mail', name: 'shared' })
  const declared = [
    valid({ ...shared, spec: { ...shared.spec, admission: { ...shared.spec.admission, credentials: admits } } }),
    valid(
      domain({ namespace: 'mail', name: 'example' }, { domain: 'example.org', allowedNamespaces: admits.namespaces }),
    ),
    valid(
      credential(
        { namespace: 'new', name: 'web' },
        { policyRef: other('shared'), senderDomainRefs: [other('example')] },
      ),
    ),
  ].map((object) => deepFreeze(object))
  const compiled = (labels?: Readonly<Record<string, string>>, running?: RelayConfig) => {
    const namespaces = new Map(labels === undefined ? [] : [['new', labels] as const])
    const keys = new Map([['new/web' as const, keysOf('web', 'a')]])
    const was = new Map(running === undefined ? [] : [['mail/shared' as const, running]])
    return compile(assemble({ ...facts, namespaces, declared, keys, running: was })).fleets.get('mail/shared')?.config
  }
  const trusted = compiled({ tier: 'gold' })
  expect(trusted?.credentials.map(({ name }) => name)).toEqual(['new/web'])
  expect(compiled()?.credentials).toEqual([])
  expect(compiled(undefined, trusted)).toEqual(trusted)
  expect(compiled({ tier: 'untrusted' }, trusted)?.credentials).toEqual([])
})
