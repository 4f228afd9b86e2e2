/** The cluster of the scale benchmark: makes many objects fast, and reads the operator's own metrics. */
import { type Api, openApi } from '../operator/cluster/api/api.ts'
import type { Connection } from '../operator/cluster/api/connection.ts'
import type { KubeObject } from '../operator/cluster/api/object.ts'
import { ownResources, type Resource, resources } from '../operator/cluster/api/resource.ts'
import { openWire, type Wire } from '../operator/cluster/api/wire.ts'

/**
 * Requests, turns and compilations are those of all operator pods together; the memory is that of the largest pod. The empty
 * patches by which the operator looks at Secrets are requests and no writes.
 */
export type Sample = {
  readonly requests: number
  readonly writes: number
  readonly turns: Took
  readonly compiles: Took
  readonly residentBytes: number
  readonly peakBytes: number
}

/** How often something was done, and the seconds that all of it took together. */
export type Took = { readonly count: number; readonly seconds: number }

const apiVersion = 'relayfleet.dev/v1alpha1'
const atOnce = 32
const writing = ['create', 'replace', 'apply', 'remove']
const operators = 'app.kubernetes.io/name=relayfleet,app.kubernetes.io/component=operator'

const resourceOf = (kind: string): Resource => {
  const found = ownResources.find((r) => r.kind === kind)
  if (found === undefined) throw new Error(`there is no kind ${kind}`)
  return found
}

export class Cluster {
  readonly #api: Api
  readonly #wire: Wire
  readonly #namespace: string
  #peakBytes = 0

  constructor(connection: Connection, namespace: string) {
    this.#api = openApi(connection, { rate: { perSecond: 5000, burst: 5000 } })
    this.#wire = openWire(connection)
    this.#namespace = namespace
  }

  async makeNamespace(): Promise<void> {
    await this.#api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: this.#namespace } })
  }

  async removeNamespace(): Promise<void> {
    await this.#api.remove(resources.namespaces, { name: this.#namespace }, {})
  }

  async makePolicy(replicas: number): Promise<void> {
    await this.#make('RelayPolicy', 'shared', {
      environment: 'NonProduction',
      replicas,
      listeners: [{ name: 'submission', port: 587, tls: { mode: 'StartTLS' } }],
      routes: [
        { name: 'default', type: 'Smarthost', smarthosts: [{ name: 'out', host: 'smtp.example.net', port: 587 }] },
      ],
      queue: { storage: { size: '1Gi' } },
    })
  }

  makeDomains = (count: number): Promise<void> =>
    this.#many(count, (i) =>
      this.#make('SenderDomain', `domain-${i}`, {
        domain: `d${i}.${this.#namespace}.example.org`,
        environment: 'NonProduction',
      }),
    )

  makeCredentials = (count: number, domains: number): Promise<void> =>
    this.#many(count, (i) =>
      this.#make('RelayCredential', `credential-${i}`, {
        policyRef: { name: 'shared' },
        senderDomainRefs: [{ name: `domain-${i % domains}` }],
      }),
    )

  async suspend(i: number): Promise<void> {
    const at = { namespace: this.#namespace, name: `credential-${i}` }
    await this.#api.merge(resourceOf('RelayCredential'), at, { spec: { suspended: true } })
  }

  /** Waits until the status of that credential says that it is suspended. */
  async suspended(i: number): Promise<void> {
    const at = { namespace: this.#namespace, name: `credential-${i}` }
    for (;;) {
      const { status } = (await this.#api.get(resourceOf('RelayCredential'), at)) as { status?: Status }
      if (status?.conditions?.some((c) => c.type === 'Suspended' && c.status === 'True')) return
    }
  }

  async everyCredentialReady(count: number, progress: (text: string) => void): Promise<void> {
    for (let told = -1; ; ) {
      const ready = await this.#readyCredentials()
      await this.sample()
      if (ready === count) return
      if (ready !== told) progress(`${ready} of ${count} are ready`)
      told = ready
      await new Promise((resolve) => setTimeout(resolve, 1000))
    }
  }

  async #readyCredentials(): Promise<number> {
    let ready = 0
    let rest: string | undefined
    do {
      const page = await this.#api.listPage(
        resourceOf('RelayCredential'),
        { namespace: this.#namespace },
        { limit: 1000, ...(rest !== undefined && { continue: rest }) },
      )
      ready += page.items.filter(isReady).length
      rest = page.continue
    } while (rest !== undefined)
    return ready
  }

  async sample(): Promise<Sample> {
    const { items } = await this.#api.listPage(resources.pods, { labelSelector: operators }, { limit: 100 })
    const texts = await Promise.all(items.map((pod) => this.#metricsOf(pod)))
    const sum = (name: string, labels: (text: string) => boolean = () => true): number =>
      texts.reduce((total, text) => total + sumIn(text, name, labels), 0)
    const took = (part: string): Took => ({
      count: sum('relayfleet_reconcile_duration_seconds_count', (l) => l.includes(`part="${part}"`)),
      seconds: sum('relayfleet_reconcile_duration_seconds_sum', (l) => l.includes(`part="${part}"`)),
    })
    const resident = Math.max(...texts.map((text) => sumIn(text, 'process_resident_memory_bytes')))
    this.#peakBytes = Math.max(this.#peakBytes, resident)
    return {
      requests: sum('relayfleet_api_requests_total'),
      writes: sum('relayfleet_api_requests_total', (l) => writing.some((verb) => l.includes(`verb="${verb}"`))),
      turns: took('turn'),
      compiles: took('compile'),
      residentBytes: resident,
      peakBytes: this.#peakBytes,
    }
  }

  async #metricsOf({ metadata }: KubeObject): Promise<string> {
    const path = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}:9466/proxy/metrics`
    const stream = await this.#wire.stream({ method: 'GET', path, timeoutMs: 60_000, accept: '*/*' })
    return Buffer.concat(await stream.toArray()).toString()
  }

  async #make(kind: string, name: string, spec: object): Promise<void> {
    await this.#api.create({ apiVersion, kind, metadata: { name, namespace: this.#namespace }, spec })
  }

  async #many(count: number, make: (i: number) => Promise<void>): Promise<void> {
    let next = 0
    const worker = async (): Promise<void> => {
      while (next < count) await make(next++)
    }
    await Promise.all(Array.from({ length: atOnce }, worker))
  }
}

type Status = { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }

const isReady = (object: KubeObject): boolean =>
  (object['status'] as Status | undefined)?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false

/** The sum of all samples of one metric whose labels satisfy `labels`. */
const sumIn = (text: string, name: string, labels: (text: string) => boolean = () => true): number =>
  text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter(labels)
    .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
