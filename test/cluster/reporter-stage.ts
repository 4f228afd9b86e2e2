/** Statuses on a real API server: policies, credentials and pods are real; the relays and what was written are the test's. */

import { type Api, openApi } from '../../operator/cluster/api/api.ts'
import type { Connection } from '../../operator/cluster/api/connection.ts'
import { assemble, inCluster } from '../../operator/cluster/assemble.ts'
import type { Occasion } from '../../operator/cluster/events/event-series.ts'
import type { FleetWritten } from '../../operator/cluster/fleets/fleets.ts'
import { openReporter } from '../../operator/cluster/statuses/reporter.ts'
import { openWorld } from '../../operator/cluster/watch/world.ts'
import { compile } from '../../operator/compile/compile.ts'
import type { Compiled, Condition } from '../../operator/compile/compiled.ts'
import type { BindingKeys, Name } from '../../operator/compile/snapshot.ts'
import { Dirty } from '../../operator/dirty.ts'
import { KnownUses } from '../../operator/known-uses.ts'
import type { StampedStatus } from '../../operator/observed-status.ts'
import { configHash, printConfig } from '../../relay/config.ts'
import { until } from '../local/until.ts'
import { accepted, apiOf, type KubeObject } from './api.ts'
import { theCluster } from './cluster.ts'
import { declarer } from './declare.ts'
import { type FakeRelay, fakeRelay } from './fake-relay.ts'
import { type FaultProxy, faultProxy, type Seen } from './fault-proxy.ts'
import { newNamespace } from './namespace.ts'

export type Plural = 'relaypolicies' | 'senderdomains' | 'relaycredentials'

/** The part of one operator process that deals with statuses. */
export type Reporting = {
  readonly proxy: FaultProxy
  readonly occasions: readonly Occasion[]
  readonly nudged: readonly string[]
  leads: boolean
  /** What is wrong with writing every fleet; undefined if nothing is. */
  trouble: string | undefined
  readonly troubles: Map<Name, Condition>
  /** How often it has compiled. */
  turns(): number
  /** How often its reporter has looked at all statuses. */
  looks(): number
  /** Makes it compile again, as if something had changed that no watch tells of. */
  compile(): void
  writes(): readonly Seen[]
  stop(): Promise<void>
}

const key = (credential: string): BindingKeys => ({
  username: credential,
  keys: [{ id: 'k1', verifier: `sha256:${'1'.repeat(64)}` }],
})

export type Stage = Awaited<ReturnType<typeof openStage>>

export async function openStage(replicas = 2) {
  const raw = apiOf(theCluster().access)
  const namespace = await newNamespace({ ...theCluster(), controllers: false }, raw)
  await raw.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default' },
  })
  const declare = declarer(raw, namespace)
  await declare.domain('example', {})
  await declare.policy('shared', { replicas })
  const relays: FakeRelay[] = []
  for (let i = 0; i < replicas; i++) relays.push(await fakeRelay(raw, namespace, 'shared', i))
  const operators: Reporting[] = []
  const path = (plural: Plural, name: string): string =>
    `/apis/relayfleet.dev/v1alpha1/namespaces/${namespace}/${plural}/${name}`
  /** The keys of credentials that have one. */
  const keys = new Map<Name, BindingKeys>()
  const get = async (plural: Plural, name: string): Promise<KubeObject> => accepted(await raw.get(path(plural, name)))
  const statusOf = async (plural: Plural, name: string): Promise<StampedStatus | undefined> =>
    (await get(plural, name))['status'] as StampedStatus | undefined
  const conditionOf = async (plural: Plural, name: string, type: string): Promise<Condition | undefined> =>
    (await statusOf(plural, name))?.conditions.find((c) => c.type === type)
  return {
    raw,
    namespace,
    declare,
    relays,
    path,
    get,
    statusOf,
    give: (credential: string) => keys.set(`${namespace}/${credential}`, key(credential)),
    /** Resolves with the condition when it reads so, as type, status and reason: `Programmed True Programmed`. */
    stands: (plural: Plural, name: string, said: string): Promise<Condition> => {
      const [type = ''] = said.split(' ')
      return until(`${name} stands as ${said}`, async () => {
        const condition = await conditionOf(plural, name, type)
        return `${type} ${condition?.status} ${condition?.reason}` === said ? condition : undefined
      })
    },
    async operator(options: Partial<Pick<Starting, 'as' | 'leads' | 'usageMs'>> = {}): Promise<Reporting> {
      const operator = await start({ namespace, keys, relays, as: (it) => it, leads: true, ...options })
      operators.push(operator)
      return operator
    },
    close: async (): Promise<void> => {
      await Promise.all([...operators.map((o) => o.stop()), ...relays.map((r) => r.close())])
    },
  }
}

type Starting = {
  readonly namespace: string
  readonly keys: ReadonlyMap<Name, BindingKeys>
  readonly relays: readonly FakeRelay[]
  readonly as: (connection: Connection) => Connection
  readonly leads: boolean
  /** The milliseconds between questions to a relay for its usage. */
  readonly usageMs?: number
}

async function start({ namespace, keys, relays, as, leads, usageMs }: Starting): Promise<Reporting> {
  const proxy = await faultProxy(theCluster().access)
  const api: Api = openApi(as(proxy.connection), { rate: { perSecond: 1000, burst: 1000 } })
  const ending = new AbortController()
  const dirty = new Dirty()
  const occasions: Occasion[] = []
  const nudged: string[] = []
  let [turns, looks] = [0, 0]
  const written = new Map<Name, FleetWritten>()
  const world = openWorld({ api, namespaces: [namespace], dirty, wake: () => reporter.wake() })
  const reporter = openReporter({
    api,
    world,
    fleets: {
      written: (fleet) => ({
        ...written.get(fleet),
        ...(operator.trouble !== undefined && { trouble: operator.trouble }),
      }),
      had: () => undefined,
      nudge: async (_fleet, pods) => void nudged.push(...pods),
      again: () => undefined,
    },
    bindings: {
      troubles: () => {
        looks += 1
        return operator.troubles
      },
    },
    records: { look: () => undefined },
    publisher: { troubles: () => new Map() },
    keyUses: new KnownUses((name) => world.declaredAs(`RelayCredential ${name}`)?.status),
    mayWrite: () => operator.leads,
    ...(usageMs !== undefined && { usageMs }),
    record: (occasion) => occasions.push(occasion),
  })
  const make = ({ fleets }: Compiled): void => {
    for (const [fleet, { config }] of fleets) {
      if (config === undefined) continue
      const hash = configHash(printConfig(config))
      written.set(fleet, { hash })
      for (const relay of relays) if (relay.obeys) relay.status = { ...relay.status, hash }
    }
  }
  const loop = async (): Promise<void> => {
    await world.synced
    while (!ending.signal.aborted) {
      const none = { unread: [], secrets: new Map(), configMaps: new Map(), running: new Map(), place: inCluster }
      const declared = world.declared()
      const compiled = compile(assemble({ declared, keys, namespaces: world.namespaces(), ...none }))
      make(compiled)
      turns += 1
      reporter.give(compiled, new Map(declared.map(({ ref, uid }) => [ref, uid])))
      await dirty.next(ending.signal)
    }
  }
  const operator: Reporting = {
    proxy,
    occasions,
    nudged,
    leads,
    trouble: undefined,
    troubles: new Map(),
    turns: () => turns,
    looks: () => looks,
    compile: () => dirty.mark(),
    writes: () => proxy.seen.filter(({ method }) => method !== 'GET'),
    async stop() {
      ending.abort()
      await Promise.all(parts)
      await proxy.close()
    },
  }
  const parts = [world.run(ending.signal), reporter.run(ending.signal), loop()]
  return operator
}
