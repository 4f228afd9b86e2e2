/** A world over a real API server, through a proxy that may change all that is said. */

import { kinds } from '../../crds/kinds.ts'
import { openApi } from '../../operator/cluster/api/api.ts'
import type { KubeObject } from '../../operator/cluster/api/object.ts'
import type { ReflectorNews } from '../../operator/cluster/watch/reflector.ts'
import { openWorld, type WorldOptions } from '../../operator/cluster/watch/world.ts'
import { credentialSpec, domainSpec, policySpec } from '../crds/samples.ts'
import { onTestFinished } from '../own-test.ts'
import { type Api, accepted } from './api.ts'
import { theCluster } from './cluster.ts'
import { type FaultProxy, faultProxy } from './fault-proxy.ts'
import { objectsPath } from './install-crds.ts'

/** Where a test waits, short; otherwise long enough for an answer on a loaded machine. */
const quick = {
  watchMs: 60_000,
  silenceMs: 60_000,
  relistMs: 60_000,
  patienceMs: 10_000,
  labelsMs: 300,
  kindsMs: 300,
} satisfies WorldOptions['timing']

/** `user` is who asks, with rights that the test granted; by default the administrator. */
export type Observing = {
  readonly namespaces: readonly string[]
  readonly timing?: WorldOptions['timing']
  readonly user?: string
  readonly rule?: FaultProxy['rule']
}

export async function observe({ namespaces, timing, user, rule }: Observing) {
  const proxy = await faultProxy(theCluster().access)
  if (rule !== undefined) proxy.rule = rule
  const ending = new AbortController()
  const login = async () => {
    const plain = await proxy.connection.login()
    return { ...plain, headers: user === undefined ? {} : { 'impersonate-user': user } }
  }
  const api = openApi({ ...proxy.connection, login }, { callMs: 1500, listMs: 1500 })
  const raised = { dirty: 0, wake: 0 }
  const news: ReflectorNews[] = []
  const world = openWorld({
    api,
    namespaces,
    dirty: {
      mark: () => {
        raised.dirty += 1
      },
    },
    wake: () => {
      raised.wake += 1
    },
    tell: (n) => news.push(n),
    timing: { ...quick, ...timing },
  })
  const ended = world.run(ending.signal)
  const end = async (): Promise<void> => {
    ending.abort()
    await ended
  }
  onTestFinished(async () => {
    await end()
    await proxy.close()
  })
  return { world, proxy, api, raised, news, end }
}

const specs = { RelayPolicy: policySpec, SenderDomain: domainSpec, RelayCredential: credentialSpec } as const
type KindName = keyof typeof specs

const pathOf = (kindName: KindName, namespace: string, name?: string): string => {
  const kind = kinds.find(({ kind }) => kind === kindName) as (typeof kinds)[number]
  return [objectsPath(kind, namespace), ...(name === undefined ? [] : [name])].join('/')
}

/** Reads and writes objects of our kinds in one namespace directly, past what is being tested. */
export const writer = (api: Api, namespace: string) => ({
  create: async (kind: KindName, name: string, spec: object = {}, metadata: object = {}): Promise<KubeObject> =>
    accepted(
      await api.create(pathOf(kind, namespace), {
        apiVersion: 'relayfleet.dev/v1alpha1',
        kind,
        metadata: { name, namespace, ...metadata },
        spec: { ...specs[kind], ...spec },
      }),
    ) as KubeObject,
  change: async (kind: KindName, name: string, change: object): Promise<unknown> =>
    accepted(await api.patch(pathOf(kind, namespace, name), change)),
  report: async (kind: KindName, name: string, status: object): Promise<unknown> =>
    accepted(await api.patch(`${pathOf(kind, namespace, name)}/status`, { status })),
  remove: async (kind: KindName, name: string): Promise<unknown> =>
    accepted(await api.remove(pathOf(kind, namespace, name))),
  /** All objects of a kind, each as `name@resourceVersion`. */
  all: async (kind: KindName): Promise<readonly string[]> => {
    const { items } = accepted(await api.get(pathOf(kind, namespace))) as unknown as { items: KubeObject[] }
    return items.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`).toSorted()
  },
})
