/** Credentials on a real API server, and operators that bind them with the chart's account: started, watched and killed. */
import { type Api, openApi } from '../../operator/cluster/api/api.ts'
import { type Binder, type Bindings, openBindings } from '../../operator/cluster/bindings/bindings.ts'
import type { Occasion } from '../../operator/cluster/events/event-series.ts'
import type { DeclaredObject } from '../../operator/cluster/watch/declared.ts'
import type { World } from '../../operator/cluster/watch/world.ts'
import type { Binding } from '../../operator/compile/compiled.ts'
import type { Credential, Name } from '../../operator/compile/snapshot.ts'
import { tells } from '../../operator/key-told.ts'
import { accepted, type KubeObject, type Api as TestApi } from './api.ts'
import { theCluster } from './cluster.ts'
import { type FaultProxy, faultProxy, type Seen } from './fault-proxy.ts'
import type { InstalledChart } from './installed-chart.ts'
import { newNamespace } from './namespace.ts'

export const authority = 'THE BUNDLE'

/** Whether the API server stores something for this request; the operator's looks at objects are dry runs. */
export const isWrite = ({ method, query }: Seen): boolean => method !== 'GET' && !query.has('dryRun')

export type Operator = {
  readonly bindings: Bindings
  readonly proxy: FaultProxy
  readonly occasions: readonly Occasion[]
  readonly marks: () => number
  mayWrite: boolean
  /** Its requests that concern Secrets, reads included. */
  secretCalls(): readonly Seen[]
  give(bindings: Readonly<Record<string, Binding>>, held?: readonly string[]): void
  /** Ends it as a kill would: what is under way is given up. */
  stop(): Promise<void>
}

export async function openBench(admin: TestApi, chart: InstalledChart) {
  const namespace = await newNamespace({ ...theCluster(), controllers: false }, admin)
  const declared = new Map<string, DeclaredObject>()
  const world: Pick<World, 'declaredAs'> = { declaredAs: (ref) => declared.get(ref) }
  const operators: Operator[] = []
  const path = (name = ''): string => `/api/v1/namespaces/${namespace}/secrets${name === '' ? '' : `/${name}`}`
  const own = (plural: string): string => `/apis/relayfleet.dev/v1alpha1/namespaces/${namespace}/${plural}`
  const create = async (kind: string, plural: string, name: string, spec: object): Promise<string> => {
    const object = { apiVersion: 'relayfleet.dev/v1alpha1', kind, metadata: { name }, spec }
    return String(accepted(await admin.create(own(plural), object)).metadata['uid'])
  }
  const refOf = (name: string) => `RelayCredential ${nameOf(name)}`
  const nameOf = (name: string): Name => `${namespace}/${name}`

  const declare = (name: string, uid: string, status: DeclaredObject['status'] = {}): void => {
    const resource = { kind: 'RelayCredential', namespace, name } as unknown as Credential
    declared.set(refOf(name), {
      ref: `RelayCredential ${nameOf(name)}`,
      uid,
      resourceVersion: '1',
      status,
      is: 'valid',
      resource,
    })
  }

  return {
    namespace,
    path,
    nameOf,
    /** Makes a RelayCredential, which the operators' world knows from now on; its uid. */
    async credential(name: string): Promise<string> {
      const uid = await create('RelayCredential', 'relaycredentials', name, {
        policyRef: { name: 'shared' },
        senderDomainRefs: [{ name: 'example' }],
      })
      declare(name, uid)
      return uid
    },
    policy: (name: string): Promise<string> =>
      create('RelayPolicy', 'relaypolicies', name, {
        environment: 'NonProduction',
        listeners: [{ name: 'submission', port: 587, tls: { mode: 'StartTLS' } }],
        routes: [{ name: 'default', type: 'Smarthost', smarthosts: [{ name: 'x', host: 'x.example', port: 587 }] }],
      }),
    async removeCredential(name: string): Promise<void> {
      accepted(await admin.remove(`${own('relaycredentials')}/${name}`))
      declared.delete(refOf(name))
    },
    /** Writes the status of a credential as this operator knows it, in place of a reporter. */
    record(name: string, { bindings }: Operator, secretName: string): void {
      const { uid = '', status = {} } = declared.get(refOf(name)) ?? {}
      const keys = bindings.keys().get(nameOf(name))
      const binding = { name: bindings.formerNames().get(nameOf(name)) ?? secretName }
      declare(name, uid, { ...status, binding, ...keys })
    },
    statusOf: (name: string) => declared.get(refOf(name))?.status ?? {},
    setStatus: (name: string, status: DeclaredObject['status']) =>
      declare(name, declared.get(refOf(name))?.uid ?? '', status),
    async secret(name: string): Promise<KubeObject | undefined> {
      const answer = await admin.get(path(name))
      return answer.status === 404 ? undefined : accepted(answer)
    },
    async textOf(name: string, key: string): Promise<string> {
      const { data = {} } = accepted(await admin.get(path(name))) as { data?: Record<string, string> }
      return Buffer.from(data[key] ?? '', 'base64').toString()
    },
    binding: (secretName: string, over: Partial<Binding> = {}): Binding => ({
      secretName,
      labels: {},
      annotations: {},
      username: `web.${namespace}`,
      host: 'shared.mail.svc',
      port: 587,
      scheme: 'smtp',
      issuedByOperator: true,
      fleet: 'mail/shared',
      rotation: { overlapMs: 172_800_000, trigger: '' },
      ...over,
    }),
    async operator(over: Partial<Binder> = {}, wrap: (api: Api) => Api = (api) => api): Promise<Operator> {
      const proxy = await faultProxy(theCluster().access)
      const occasions: Occasion[] = []
      let marks = 0
      const ending = new AbortController()
      const bindings = openBindings({
        api: wrap(openApi(chart.asOperator(proxy.connection), { rate: { perSecond: 1000, burst: 1000 } })),
        world,
        mayWrite: () => operator.mayWrite,
        reach: (_fleet, credential, key) =>
          tells(world.declaredAs(`RelayCredential ${credential}`)?.status ?? {}, key) === 'programmed',
        heard: () => ({ uses: new Map(), upTo: undefined }),
        dirty: { mark: () => void marks++ },
        recorder: (occasion) => occasions.push(occasion),
        turns: { everyMs: 100, pauseMs: 10 },
        backoff: { firstMs: 20, longestMs: 100 },
        ...over,
      })
      const run = bindings.run(ending.signal)
      const operator: Operator = {
        bindings,
        proxy,
        occasions,
        marks: () => marks,
        mayWrite: true,
        secretCalls: () => proxy.seen.filter((s) => s.path.includes('/secrets')),
        give: (given, held = []) =>
          bindings.give(
            {
              bindings: new Map(Object.entries(given).map(([name, binding]) => [nameOf(name), binding])),
              heldBindings: new Set(held.map(nameOf)),
            },
            authority,
          ),
        async stop() {
          ending.abort()
          await run
          await proxy.close()
        },
      }
      operators.push(operator)
      return operator
    },
    async close(): Promise<void> {
      for (const operator of operators) await operator.stop().catch(() => undefined)
    },
  }
}

export type Bench = Awaited<ReturnType<typeof openBench>>
