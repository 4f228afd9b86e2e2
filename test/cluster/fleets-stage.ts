/** Fleets on a real API server: a namespace with policies, and operators that are started, lose the Lease, and are killed. */
import { createHash } from 'node:crypto'
import { createAuthority, type Issued } from '../../operator/ca.ts'
import type { Api } from '../../operator/cluster/api/api.ts'
import { openApi } from '../../operator/cluster/api/api.ts'
import type { KubeObject } from '../../operator/cluster/api/object.ts'
import { type Fleets, type FleetsOptions, openFleets } from '../../operator/cluster/fleets/fleets.ts'
import { openWorld, type World } from '../../operator/cluster/watch/world.ts'
import type { CompiledFleet } from '../../operator/compile/compiled.ts'
import type { Name } from '../../operator/compile/snapshot.ts'
import { Dirty } from '../../operator/dirty.ts'
import { configText } from '../../operator/manifests/config-secrets.ts'
import { configSecretNames } from '../../operator/manifests/names.ts'
import { configHash, parseConfig, printConfig, type RelayConfig } from '../../relay/config.ts'
import { until } from '../local/until.ts'
import { fleetOf } from '../manifests/fleet-of.ts'
import { accepted, apiOf, type Api as TestApi } from './api.ts'
import { theCluster } from './cluster.ts'
import { declarer } from './declare.ts'
import { type FaultProxy, faultProxy, type Seen } from './fault-proxy.ts'
import { newNamespace } from './namespace.ts'

export type RunFleet = Extract<CompiledFleet, { kind: 'run' }>
export type Secret = KubeObject & { readonly data?: Readonly<Record<string, string>> }

const policyText = `
apiVersion: relayfleet.dev/v1alpha1
kind: RelayPolicy
metadata: {name: shared, namespace: mail}
spec:
  environment: NonProduction
  replicas: 2
  listeners: [{name: submission, port: 587}]
  routes: [{name: default, smarthosts: [{name: ses, host: smtp.example.net}]}]
`
/** The compiled fleet of a policy with two relays and a certificate that the operator issues. */
export const runs: RunFleet = fleetOf(policyText).compiled

const credentialOf = (i: number): RelayConfig['credentials'][number] => ({
  name: `team-${i}/smtp`,
  username: `smtp.team-${i}`,
  keys: [{ id: 'k1', verifier: `sha256:${createHash('sha256').update(String(i)).digest('hex')}` }],
  senders: [{ senderDomain: 'mail/example', domain: 'example.org', includeSubdomains: false, localParts: [] }],
  addresses: [],
  networks: [],
  recipientDomains: [],
  suspended: false,
})
const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i)
/** The fleet with so many credentials; its configuration grows by about 480 octets with each. */
export const withCredentials = (count: number, fleet: RunFleet = runs): RunFleet => ({
  ...fleet,
  config: { ...fleet.config, credentials: range(count).map(credentialOf) },
})
export const hashOf = ({ config }: CompiledFleet): string => configHash(config === undefined ? '' : printConfig(config))

export const isWrite = ({ method, query }: Seen): boolean => method !== 'GET' && query.get('dryRun') !== 'All'
const isCall = ({ query, path }: Seen): boolean =>
  query.get('watch') === null && !query.has('limit') && /\/namespaces\/[^/]+\/./.test(path)

/** One process of the operator. */
export type Operator = {
  readonly fleets: Fleets
  readonly world: World
  readonly dirty: Dirty
  readonly proxy: FaultProxy
  /** Compiles: gives the fleets to make, from the configurations that run. */
  compile: (running: ReadonlyMap<Name, RelayConfig>) => ReadonlyMap<Name, CompiledFleet>
  leads: boolean
  /** How often everything was compiled. */
  readonly rounds: () => number
  readonly running: () => ReadonlyMap<Name, RelayConfig>
  calls(): readonly Seen[]
  writes(): readonly Seen[]
  stop(): Promise<void>
}

type OperatorOptions = Partial<Omit<FleetsOptions, 'world'>> & {
  readonly seeing?: (world: World) => World
  readonly leads?: boolean
  /** The rule of its proxy from the first request on. */
  readonly rule?: FaultProxy['rule']
}

export type Stage = Awaited<ReturnType<typeof openStage>>

const authority: Promise<Issued> = createAuthority(Date.now())

export async function openStage(policies: readonly string[] = ['shared']) {
  const raw: TestApi = apiOf(theCluster().access)
  const namespace = await newNamespace(theCluster(), raw)
  const declare = declarer(raw, namespace)
  for (const policy of policies) await declare.policy(policy, {})
  const operators: Operator[] = []
  const path = (resource: string, name?: string): string => {
    const group = { statefulsets: '/apis/apps/v1', poddisruptionbudgets: '/apis/policy/v1' }[resource]
    const network = resource === 'networkpolicies' ? '/apis/networking.k8s.io/v1' : undefined
    return `${group ?? network ?? '/api/v1'}/namespaces/${namespace}/${resource}${name === undefined ? '' : `/${name}`}`
  }
  const named = (policy: string): Name => `${namespace}/${policy}`
  const secrets = async (policy = 'shared'): Promise<ReadonlyMap<string, Secret>> => {
    const found = await Promise.all(
      configSecretNames(policy).map(async (n) => [n, await raw.get(path('secrets', n))] as const),
    )
    return new Map(found.filter(([, a]) => a.status === 200).map(([n, a]) => [n, a.body as Secret]))
  }
  const stage = {
    raw,
    namespace,
    path,
    named,
    declare,
    secrets,
    /** The configuration that a relay would read in the Secrets. */
    configuration: async (policy = 'shared'): Promise<RelayConfig> =>
      parseConfig(configText([...(await secrets(policy)).values()])),
    get: async (resource: string, name: string): Promise<Secret> =>
      accepted(await raw.get(path(resource, name))) as unknown as Secret,
    /** Starts an operator that makes the fleet `shared` as it is compiled here, until it is stopped. */
    async operator(compiled: CompiledFleet | Operator['compile'], options: OperatorOptions = {}): Promise<Operator> {
      const compile = typeof compiled === 'function' ? compiled : () => new Map([[named('shared'), compiled]])
      const operator = await startOperator(namespace, compile, options)
      operators.push(operator)
      return operator
    },
    /** Resolves when the fleet's Secrets have its configuration, its last object is there, and the operator is quiet. */
    written: async (operator: Operator, fleet: CompiledFleet, policy = 'shared'): Promise<void> => {
      const { fleets } = operator
      await until(`${policy} is written`, () => fleets.written(named(policy)).hash === hashOf(fleet))
      const last = path('statefulsets', policy)
      if (fleet.kind === 'run') await until(`${last} is there`, async () => (await raw.get(last)).status === 200)
      await quiet(operator)
    },
    close: async (): Promise<void> => {
      await Promise.all(operators.map((o) => o.stop()))
    },
  }
  return stage
}

/** Waits until the operator asks for nothing for `ms`, by default longer than it takes to hear of a write of its own. */
export async function quiet({ calls, rounds }: Operator, ms = 150): Promise<void> {
  let [before, since] = ['', performance.now()]
  await until('the operator rests', () => {
    const now = `${calls().length} ${rounds()}`
    if (now !== before) [before, since] = [now, performance.now()]
    return performance.now() - since > ms
  })
}

async function startOperator(
  namespace: string,
  compile: Operator['compile'],
  { seeing = (world) => world, leads = true, rule = () => 'pass', ...more }: OperatorOptions,
): Promise<Operator> {
  const proxy = await faultProxy(theCluster().access)
  proxy.rule = rule
  const api: Api = openApi(proxy.connection, { rate: { perSecond: 1000, burst: 1000 } })
  const ending = new AbortController()
  const { signal } = ending
  const dirty = new Dirty()
  const world = seeing(openWorld({ api, namespaces: [namespace], dirty, wake: () => undefined }))
  let rounds = 0
  let running: ReadonlyMap<Name, RelayConfig> = new Map()
  const fleets = openFleets({
    api,
    world,
    authority: async () => ({ signer: await authority, bundle: '' }),
    mayWrite: () => operator.leads,
    cluster: { image: 'registry.example/relayfleet:test', operatorNamespace: 'relayfleet-system' },
    wake: () => undefined,
    ask: async () => undefined,
    dirty,
    backoff: { firstMs: 50, longestMs: 200 },
    turns: { everyMs: 60_000, perSecond: 100 },
    ...more,
  })
  const loop = async (): Promise<void> => {
    await world.synced
    dirty.mark()
    while (!signal.aborted) {
      await dirty.next(signal)
      if (signal.aborted) return
      const compiled = (): ReadonlyMap<Name, CompiledFleet> => operator.compile(running)
      running = await fleets.running([...compiled().keys()], signal)
      fleets.give({ fleets: compiled() })
      rounds += 1
    }
  }
  const parts = [world.run(signal), fleets.run(signal), loop()]
  const operator: Operator = {
    fleets,
    world,
    dirty,
    proxy,
    compile,
    leads,
    rounds: () => rounds,
    running: () => running,
    calls: () => proxy.seen.filter(isCall),
    writes: () => proxy.seen.filter(isWrite),
    async stop() {
      ending.abort()
      await Promise.all(parts)
      await proxy.close()
    },
  }
  return operator
}
