/** The defaults that an API server fills in are those that the YAML directory's validation fills in. */
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { apiVersion, kinds } from '../../crds/kinds.ts'
import type { Kind } from '../../crds/schema.ts'
import { validate } from '../../crds/validate.ts'
import { credentialSpec, domainSpec, policySpec } from '../crds/samples.ts'
import { verdicts } from '../crds/verdicts.ts'
import { type Api, accepted, apiOf, type Cause, type Refusal } from './api.ts'
import { arbitraryObject, type Specified } from './arbitrary-objects.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { installCrds, objectsPath } from './install-crds.ts'

const everyKind: readonly Kind[] = kinds
const kindOf = (name: string): Kind => everyKind.find(({ kind }) => kind === name) as Kind
const named = ({ kind, spec, metadataName = 'shared' }: Specified) =>
  JSON.parse(JSON.stringify({ apiVersion, kind, metadata: { name: metadataName }, spec })) as { spec: object }

/** Objects that stop half-way at each depth: what is below them has to come from the defaults. */
const halfWay: readonly (readonly [name: string, Specified])[] = [
  [
    'no more than a port',
    { kind: 'RelayPolicy', spec: { ...policySpec, listeners: [{ name: 'a', port: 465, tls: {} }] } },
  ],
  ['one lockout', { kind: 'RelayPolicy', spec: { ...policySpec, admission: { authFailures: { max: 3 } } } }],
  ['one limit', { kind: 'RelayPolicy', spec: { ...policySpec, admission: { limits: { messageSize: '1Mi' } } } }],
  [
    'one rule of one sender rule',
    { kind: 'RelayPolicy', spec: { ...policySpec, senderRules: { alignment: { mode: 'Strict' } } } },
  ],
  [
    'an allow list by address',
    {
      kind: 'RelayPolicy',
      spec: { ...policySpec, recipients: { mode: 'AllowList', allow: { addresses: ['a@b.example'] } } },
    },
  ],
  ['an empty queue', { kind: 'RelayPolicy', spec: { ...policySpec, queue: { storage: {} } } }],
  [
    'an empty match',
    {
      kind: 'RelayPolicy',
      spec: {
        ...policySpec,
        routes: [{ name: 'a', match: {}, smarthosts: [{ name: 'b', host: 'c.example', tls: {} }], retry: {} }],
      },
    },
  ],
  [
    'zero, no and nothing are values',
    {
      kind: 'RelayPolicy',
      spec: { ...policySpec, replicas: 0, suspended: false, admission: { networks: { allow: [] } } },
    },
  ],
  ['an empty consent', { kind: 'SenderDomain', spec: { ...domainSpec, allowedNamespaces: {} } }],
  [
    'labels of a binding',
    { kind: 'RelayCredential', spec: { ...credentialSpec, secretTemplate: { labels: { app: 'web' } } } },
  ],
]

describe.runIf(givenCluster() !== undefined)('a real API server', () => {
  let api: Api
  beforeAll(async () => {
    api = apiOf(theCluster().access)
    await installCrds(api)
  })
  const dryRun = (object: Specified) =>
    api.create(`${objectsPath(kindOf(object.kind), 'default')}?dryRun=All&fieldValidation=Strict`, named(object))
  const defaulted = (object: Specified): unknown => {
    const checked = validate(kindOf(object.kind), named(object))
    return checked.ok ? checked.spec : checked.problems
  }

  const good = verdicts.filter(({ refused }) => refused === undefined).map((v) => [v.name, v] as const)
  test.each([
    ...good,
    ...halfWay,
  ])('fills in the defaults that the YAML directory fills in: %s', async (_name, object: Specified) => {
    expect(accepted(await dryRun(object))['spec']).toEqual(defaulted(object))
  })

  test('refuses a random object by the same rules as the YAML directory, or fills in the same', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryObject, async (object) => {
        const answer = await dryRun(object)
        const checked = validate(kindOf(object.kind), named(object))
        if (checked.ok) return void expect(accepted(answer)['spec']).toEqual(checked.spec)
        expect(answer.status).toBe(422)
        const broken = checked.problems.map(({ field, message }) => `${field}: Invalid value: ${message}`)
        const causes = (answer.body as Refusal).details?.causes ?? []
        expect(causes.map(({ field, message }: Cause) => `${field}: ${message}`).toSorted()).toEqual(broken.toSorted())
      }),
      { numRuns: 400 },
    )
  })
})
