/** Somebody else's object under a name that a fleet needs is never touched; a condition names it, and ours is made when it is gone. */
import { beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../local/until.ts'
import { type Api, accepted, apiOf, type KubeObject } from '../api.ts'
import { givenCluster, theCluster } from '../cluster.ts'
import { type Condition, conditionsOf, installCrds } from '../install-crds.ts'
import { newNamespace } from '../namespace.ts'
import { startOperator } from '../whole/operator-process.ts'
import { make, scenarios } from '../whole/scenarios.ts'
import { inAHurry } from './in-a-hurry.ts'

type Place = {
  readonly kind: string
  readonly name: string
  readonly path: string
  readonly body: object
  /** Whose condition names it. */
  readonly told: 'relaypolicies/shared' | 'relaycredentials/checkout'
}

const selector = { matchLabels: { app: 'theirs' } }
const template = { metadata: { labels: { app: 'theirs' } }, spec: { containers: [{ name: 'a', image: 'a' }] } }
const services = '/api/v1/namespaces/%/services'
const service = { spec: { clusterIP: 'None', selector: { app: 'theirs' } } }
const secrets = '/api/v1/namespaces/%/secrets'
const secret = { data: { a: 'Yg==' } }
const told = 'relaypolicies/shared' as const

const places: readonly Place[] = [
  { kind: 'Service', name: 'shared', path: services, body: service, told },
  { kind: 'Service', name: 'shared-pods', path: services, body: service, told },
  {
    kind: 'StatefulSet',
    name: 'shared',
    path: '/apis/apps/v1/namespaces/%/statefulsets',
    body: { spec: { selector, template, serviceName: 'theirs', replicas: 0 } },
    told,
  },
  {
    kind: 'PodDisruptionBudget',
    name: 'shared',
    path: '/apis/policy/v1/namespaces/%/poddisruptionbudgets',
    body: { spec: { selector, maxUnavailable: 1 } },
    told,
  },
  {
    kind: 'NetworkPolicy',
    name: 'shared',
    path: '/apis/networking.k8s.io/v1/namespaces/%/networkpolicies',
    body: { spec: { podSelector: selector } },
    told,
  },
  { kind: 'Secret', name: 'shared-relay-config-0', path: secrets, body: secret, told },
  { kind: 'Secret', name: 'shared-relay-config-7', path: secrets, body: secret, told },
  { kind: 'Secret', name: 'shared-relay-tls', path: secrets, body: secret, told },
  { kind: 'Secret', name: 'checkout', path: secrets, body: secret, told: 'relaycredentials/checkout' },
]

/** The path that shows that ours is made. A configuration may be under any of its names, and the StatefulSet comes only after it. */
const ours = (at: string, name: string): string =>
  name.includes('-config-')
    ? at.replace('/api/v1', '/apis/apps/v1').replace('secrets', 'statefulsets/shared')
    : `${at}/${name}`

/** The object without what controllers of the cluster say of it. */
const theirsOf = ({ metadata, status: _, ...rest }: KubeObject): unknown => {
  const { resourceVersion: __, managedFields, ...named } = metadata
  const managers = (managedFields as readonly { readonly manager: string; readonly subresource?: string }[])
    .filter((m) => m.subresource === undefined)
    .map((m) => m.manager)
  return { ...rest, metadata: named, managers }
}

const managedBy = (object: KubeObject): unknown =>
  (object.metadata['labels'] as Readonly<Record<string, string>> | undefined)?.['app.kubernetes.io/managed-by']

describe.runIf(givenCluster() !== undefined)("somebody else's object under a name that a fleet needs", () => {
  let admin: Api
  const whole = scenarios.find(({ name }) => name === 'limits are edited')?.given ?? []
  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
  })

  test.concurrent.each(places.map((place) => [place.kind, place.name, place] as const))(
    'is left alone and named, and ours is made when it is gone: %s %s',
    async (kind, name, { path, body, told: teller }) => {
      const namespace = await newNamespace(theCluster(), admin)
      const at = path.replace('%', namespace)
      const theirs = accepted(await admin.create(at, { metadata: { name }, ...body }))
      await make(admin, namespace, whole)
      const operator = await startOperator(namespace, inAHurry)
      const conditions = async (): Promise<readonly Condition[]> =>
        conditionsOf(accepted(await admin.get(`/apis/relayfleet.dev/v1alpha1/namespaces/${namespace}/${teller}`)))
      const named = async (): Promise<Condition | undefined> =>
        (await conditions()).find((c) => c.message.includes(`${kind} ${namespace}/${name}`))
      await until('a condition names it', named, 30_000).catch(async (error: Error) => {
        throw new Error(`${error.message}: ${JSON.stringify(await conditions(), null, 1)}`)
      })
      expect(theirsOf(accepted(await admin.get(`${at}/${name}`))), 'untouched').toEqual(theirsOf(theirs))
      accepted(await admin.remove(`${at}/${name}`))
      await until(
        'ours is there',
        async () => {
          const { status, body: found } = await admin.get(ours(at, name))
          return status === 200 && managedBy(found as KubeObject) === 'relayfleet'
        },
        60_000,
      )
      await until('nothing is told of it any more', async () => (await named()) === undefined, 30_000)
      await operator.stop()
    },
    180_000,
  )
})
