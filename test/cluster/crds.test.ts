/** A real API server gives the verdict that the YAML directory's validation gives, with the same field and the same words. */
import { beforeAll, describe, expect, test } from 'vitest'
import { apiVersion, kinds } from '../../crds/kinds.ts'
import type { Kind } from '../../crds/schema.ts'
import { validate } from '../../crds/validate.ts'
import { credentialSpec, domainSpec, policySpec, type Verdict } from '../crds/samples.ts'
import { verdicts } from '../crds/verdicts.ts'
import { type Answer, type Api, accepted, apiOf, type Refusal } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { conditionsOf, crdPath, installCrds, objectsPath } from './install-crds.ts'
import { newNamespace } from './namespace.ts'

type Spec = Readonly<Record<string, unknown>>

const everyKind: readonly Kind[] = kinds
const kindOf = (name: string): Kind => everyKind.find(({ kind }) => kind === name) as Kind
const named = (kind: Kind, spec: Spec, name = 'shared') => ({ apiVersion, kind: kind.kind, metadata: { name }, spec })

/** The rules that a spec breaks, by the TypeScript that runs without a server; nothing where its very shape is wrong. */
function brokenRules(kind: Kind, spec: Spec, name?: string): readonly { field: string; message: string }[] {
  const checked = validate(kind, named(kind, JSON.parse(JSON.stringify(spec)), name))
  if (checked.ok) return []
  const rules = [...kind.rules, ...(kind.name === undefined ? [] : [{ field: 'metadata.name', ...kind.name }])]
  return checked.problems
    .filter((p) => rules.some((r) => r.field === p.field && r.message === p.message))
    .map(({ field, message }) => ({ field, message }))
}

/** What the server refuses: the causes it names, or the one that its strict decoder found before them. */
function refusals({ body }: Answer): readonly { field: string; message: string }[] {
  const { message = '', details } = body as Refusal
  const unknown = /unknown field "([^"]+)"/.exec(message)?.[1]
  if (unknown !== undefined) return [{ field: unknown, message }]
  return (details?.causes ?? []).map((cause) => ({ field: cause.field ?? '', message: cause.message ?? '' }))
}

/** A rule of the whole object has no field of its own; of two entries with one name the server names the entry. */
const sameField = (here: string, there: string): boolean =>
  there === here || (here === 'metadata.name' && there === '<nil>') || (here === `${there}.name` && there.endsWith(']'))

test('for every rule of every kind there is a verdict that breaks it alone', () => {
  const broken = verdicts.map((v) =>
    brokenRules(kindOf(v.kind), v.spec, v.metadataName).map((r) => ({ ...r, kind: v.kind })),
  )
  const alone = broken.filter((rules) => rules.length === 1).flat()
  const all = everyKind.flatMap(({ kind, rules }) => rules.map(({ field, message }) => ({ field, message, kind })))
  expect(alone).toEqual(expect.arrayContaining(all))
})

/** One change for each field that may not change. */
const changes: readonly { kind: string; field: string; from: Spec; to: Spec }[] = [
  {
    kind: 'RelayPolicy',
    field: 'spec.environment',
    from: { ...policySpec, environment: 'Production' },
    to: { ...policySpec, environment: 'NonProduction' },
  },
  { kind: 'SenderDomain', field: 'spec.domain', from: domainSpec, to: { ...domainSpec, domain: 'other.example.org' } },
  {
    kind: 'RelayCredential',
    field: 'spec.type',
    from: credentialSpec,
    to: { ...credentialSpec, type: 'ServiceAccountToken', serviceAccounts: [{ name: 'web' }] },
  },
]

test('for every immutable field there is a change that is tried', () => {
  const all = everyKind.flatMap(({ kind, immutable }) => immutable.map(({ field }) => ({ kind, field })))
  expect(changes.map(({ kind, field }) => ({ kind, field }))).toEqual(all)
})

describe.runIf(givenCluster() !== undefined)('a real API server', () => {
  let api: Api
  let namespace = ''
  beforeAll(async () => {
    api = apiOf(theCluster().access)
    await installCrds(api)
    namespace = await newNamespace(theCluster(), api)
  })
  const path = (kind: Kind): string => objectsPath(kind, namespace)

  test.each(everyKind.map((kind) => [kind.plural, kind] as const))('establishes %s', async (_plural, kind) => {
    const conditions = conditionsOf(accepted(await api.get(crdPath(kind))))
    const held = conditions.filter(({ status }) => status === 'True').map(({ type }) => type)
    expect(held.toSorted(), JSON.stringify(conditions)).toEqual(['Established', 'NamesAccepted'])
  })

  test.each(
    verdicts.map((v) => [v.name, v] as const),
  )('gives the verdict of the YAML directory: %s', async (_name, verdict: Verdict) => {
    const kind = kindOf(verdict.kind)
    const object = named(kind, verdict.spec, verdict.metadataName)
    const answer = await api.create(`${path(kind)}?dryRun=All&fieldValidation=Strict`, object)
    if (verdict.refused === undefined || verdict.onlyHere === true) return void accepted(answer)
    expect(answer.status, 'a refusal of this object').toSatisfy((status) => status === 400 || status === 422)
    const refused = refusals(answer)
    expect(refused).toSatisfy((all: typeof refused) => all.some(({ field }) => sameField(verdict.refused ?? '', field)))
    for (const rule of brokenRules(kind, verdict.spec, verdict.metadataName)) {
      const same = refused.filter(
        ({ field, message }) => sameField(rule.field, field) && message.includes(rule.message),
      )
      expect(same, JSON.stringify(refused)).toHaveLength(1)
    }
  })

  test.each(
    changes.map((c) => [c.kind, c.field, c] as const),
  )('%s: %s can not be changed', async (_kind, field, change) => {
    const kind = kindOf(change.kind)
    const stored = accepted(await api.create(path(kind), named(kind, change.from, 'unchanging')))
    const put = (spec: Spec): Promise<Answer> => api.replace(`${path(kind)}/unchanging`, { ...stored, spec })
    const answer = await put(change.to)
    expect(answer.status).toBe(422)
    const message = kind.immutable.find((i) => i.field === field)?.message ?? 'no such rule'
    expect(refusals(answer)).toEqual([{ field, message: expect.stringContaining(message) }])
    accepted(await put(change.from))
  })

  test('an object that was deleted may come back with another value in an immutable field', async () => {
    const kind = kindOf('SenderDomain')
    accepted(await api.create(path(kind), named(kind, domainSpec, 'again')))
    accepted(await api.remove(`${path(kind)}/again`))
    accepted(await api.create(path(kind), named(kind, { ...domainSpec, domain: 'other.example.org' }, 'again')))
  })

  test('a credential may move to another policy', async () => {
    const kind = kindOf('RelayCredential')
    const stored = accepted(await api.create(path(kind), named(kind, credentialSpec, 'moving')))
    const spec = { ...credentialSpec, policyRef: { name: 'other', namespace: 'mail' } }
    accepted(await api.replace(`${path(kind)}/moving`, { ...stored, spec }))
  })
})
