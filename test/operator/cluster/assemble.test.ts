/** A snapshot out of what is declared: every object in its place, the newest keys, and in no time. */
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

test('every object is in its list', () => {
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
  ['what a status records', valid(web, keysOf('web', 'a')), false, keysOf('web', 'a')],
  ['what was found since goes before it', valid(web, keysOf('web', 'a')), true, keysOf('web', 'b')],
  ['without either, nothing', valid(web), false, undefined],
  [
    'those of a credential with an error',
    invalid('RelayCredential', 'web', keysOf('web', 'a')),
    false,
    keysOf('web', 'a'),
  ],
])('keys: %s', (_name, object, found, expected) => {
  const keys = new Map(found ? [['mail/web', keysOf('web', 'b')] as const] : [])
  expect(assemble({ ...facts, declared: [object], keys }).bindingKeys.get('mail/web')).toEqual(expected)
})

test('10,000 credentials are assembled in a tenth of the time that they take to compile', () => {
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
  ['another name than is asked for now', { binding: { name: 'old' } }, new Map(), false, 'old'],
  ['the very name that is asked for', { binding: { name: 'web' } }, new Map(), false, undefined],
  ['what was heard since goes before it', { binding: { name: 'older' } }, new Map([['mail/web', 'old']]), true, 'old'],
  ['since then the new one is there', { binding: { name: 'old' } }, new Map(), true, undefined],
])('the Secret that a status goes on to name: %s', (_name, status, formerNames, isHeard, expected) => {
  const keys = new Map(isHeard ? [['mail/web' as const, keysOf('web', 'b')]] : [])
  const declared = [valid(web, { ...keysOf('web', 'a'), ...status })]
  const snapshot = assemble({ ...facts, declared, keys, formerNames: formerNames as ReadonlyMap<'mail/web', string> })
  expect(snapshot.formerSecrets?.get('mail/web')).toBe(expected)
  const { binding } = compile({ ...snapshot }).statuses.get('RelayCredential mail/web') as {
    binding?: { name: string }
  }
  expect(binding?.name).toBe(expected ?? 'web')
})

test('a namespace that is not heard of yet is let in by no selector, and keeps what it had', () => {
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
