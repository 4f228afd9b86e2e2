/**
 * Checks what each written configuration allows against the objects in the versions that its writer had heard of, by the rules
 * of the three kinds, written a second time and as plainly as possible.
 */
import type { KubeObject } from '../../../operator/cluster/api/object.ts'
import { heardAnnotation } from '../../../operator/cluster/watch/heard.ts'
import {
  type CredentialConfig,
  parseConfig,
  type RelayConfig,
  type SenderConfig,
  verifierOf,
} from '../../../relay/config.ts'
import { asOf, type Chronicle, type Version } from './chronicle.ts'

/** How long labels of a namespace may be out of date: they are read at intervals, and kept while nobody answers. */
const labelsLagMs = 12_000

type Given = { readonly from: string; readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> } }
type PolicySpec = {
  readonly environment: string
  readonly suspended?: boolean
  readonly admission: {
    readonly credentials: { readonly namespaces: Given }
    readonly limits: { transactionTime: string }
  }
}
type DomainSpec = {
  readonly domain: string
  readonly environment: string
  readonly includeSubdomains: boolean
  readonly allowedNamespaces: Given
  readonly localParts: readonly string[]
}
type Reference = { readonly name: string; readonly namespace?: string }
type CredentialSpec = {
  readonly policyRef: Reference
  readonly senderDomainRefs: readonly Reference[]
  readonly suspended?: boolean
  readonly expiresAt?: string
  readonly identities: { readonly addresses: readonly string[] }
  readonly networks: { readonly allow: readonly string[] }
}

/** A configuration that an operator wrote, and the Secret with it. */
type Written = { readonly secret: string; readonly version: Version; readonly config: RelayConfig }

export type Authorisations = {
  /** How many credentials were checked, over all configurations. */
  readonly judged: number
  /** What configurations allowed although no object did; must be empty. */
  readonly excesses: readonly string[]
}

/** `byHand` are the versions that no operator wrote. */
export function authorisations({ versions }: Chronicle, byHand: ReadonlySet<string>): Authorisations {
  const written = [...versions].flatMap(([key, all]) =>
    /^Secret .*-relay-config-\d$/.test(key)
      ? all.filter(({ at }) => !byHand.has(`${at}`)).flatMap((version) => writtenIn(key, version))
      : [],
  )
  const judge = new Judge(versions)
  return {
    judged: written.reduce((sum, { config }) => sum + config.credentials.length, 0),
    excesses: [...new Set(written.flatMap((one) => judge.excess(one)))],
  }
}

/** The configuration in a Secret, which is in one piece since all are small here; none if somebody damaged it. */
function writtenIn(secret: string, version: Version): readonly Written[] {
  const data = (version.object?.['data'] ?? {}) as Readonly<Record<string, string>>
  try {
    const config = parseConfig(Buffer.from(data['relay.json'] ?? '', 'base64').toString())
    return [{ secret, version, config }]
  } catch {
    return []
  }
}

class Judge {
  readonly #versions: Chronicle['versions']
  readonly #passwords: ReadonlyMap<string, readonly string[]>

  constructor(versions: Chronicle['versions']) {
    this.#versions = versions
    this.#passwords = passwordOwners(versions)
  }

  excess({ secret, version, config }: Written): readonly string[] {
    const heard = heardBy(version.object)
    const policy = this.#objects<PolicySpec>('RelayPolicy', config.policy, heard)
    const owners = new Map(
      config.credentials.flatMap((c) => c.senders).map((s) => [`${s.domain} ${s.senderDomain}`, s]),
    )
    const domains = [...owners.values()].map(({ domain }) => domain)
    const twice = domains.filter((domain, i) => domains.indexOf(domain) !== i)
    const wrong = [
      ...(policy.length === 0 ? ['there is no policy'] : []),
      ...(policy.every(({ spec }) => spec.suspended === true) && !config.suspended ? ['it is not suspended'] : []),
      ...twice.map((domain) => `${domain} has two owners`),
      ...config.credentials.flatMap((entry) =>
        this.#entry(
          entry,
          config,
          policy.map((p) => p.spec),
          heard,
          version,
        ).map((why) => `${entry.name} ${why}`),
      ),
    ]
    return wrong.map((why) => `${secret} at ${version.at}, which had heard ${JSON.stringify(heard)}: ${why}`)
  }

  #entry(
    entry: CredentialConfig,
    config: RelayConfig,
    policies: readonly PolicySpec[],
    heard: Heard,
    { ms }: Version,
  ): readonly string[] {
    const [namespace = ''] = entry.name.split('/')
    const [fleetNamespace = ''] = config.policy.split('/')
    const credentials = this.#objects<CredentialSpec>('RelayCredential', entry.name, heard).filter(
      ({ spec }) => refersTo(spec.policyRef, namespace) === config.policy,
    )
    const admitted = policies.some(({ admission }) =>
      this.#consents(admission.credentials.namespaces, fleetNamespace, namespace, ms),
    )
    if (credentials.length === 0) return ['is no credential of this policy']
    const uids = credentials.map(({ uid }) => uid)
    const strange = entry.keys.filter(({ verifier }) => !this.#passwords.get(verifier)?.some((o) => uids.includes(o)))
    const specs = credentials.map(({ spec }) => spec)
    return [
      ...(admitted ? [] : ['is not admitted']),
      ...(specs.every((s) => s.suspended === true) && !entry.suspended ? ['is suspended'] : []),
      ...(specs.every((s) => expired(s, entry)) ? ['has ended'] : []),
      ...(specs.every((s) => s.identities.addresses.length > 0) && entry.addresses.length === 0 ? ['is narrowed'] : []),
      ...(specs.every((s) => s.networks.allow.length > 0) && entry.networks.length === 0 ? ['is from there only'] : []),
      ...strange.map(({ id }) => `has a key ${id} that was never its own`),
      ...entry.senders.flatMap((sender) => this.#sender(sender, entry.name, specs, config.environment, heard, ms)),
    ]
  }

  #sender(
    sender: SenderConfig,
    credential: string,
    specs: readonly CredentialSpec[],
    environment: string,
    heard: Heard,
    ms: number,
  ): readonly string[] {
    const [namespace = ''] = credential.split('/')
    const [owner = ''] = sender.senderDomain.split('/')
    const isAsked = specs.some((s) => s.senderDomainRefs.some((r) => refersTo(r, namespace) === sender.senderDomain))
    const given = this.#objects<DomainSpec>('SenderDomain', sender.senderDomain, heard).some(
      ({ spec }) =>
        spec.domain === sender.domain &&
        spec.environment === environment &&
        (spec.includeSubdomains || !sender.includeSubdomains) &&
        (spec.localParts.length === 0 || sender.localParts.length > 0) &&
        this.#consents(spec.allowedNamespaces, owner, namespace, ms),
    )
    return [...(isAsked ? [] : ['does not ask']), ...(given ? [] : ['has no consent'])].map(
      (why) => `${why} for ${sender.senderDomain} (${sender.domain})`,
    )
  }

  /** An object as the writer had heard of it. If that is invalid or was not readable, any earlier version may have been kept. */
  #objects<S>(kind: string, name: string, heard: Heard): readonly { readonly spec: S; readonly uid: string }[] {
    const [namespace] = name.split('/')
    const all = this.#versions.get(`${kind} ${name}`) ?? []
    const until = Number(heard[`${kind} ${namespace}`] ?? Number.POSITIVE_INFINITY)
    const now = asOf(all, until)
    const isKnown = heard[`${kind} ${namespace}`] !== undefined
    if (isKnown && (now === undefined || isValid(now))) return now === undefined ? [] : [factsOf<S>(now)]
    return all
      .filter(({ at }) => at <= until)
      .flatMap(({ object }) => (object === undefined ? [] : [factsOf<S>(object)]))
  }

  #consents({ from, selector }: Given, owner: string, asking: string, ms: number): boolean {
    if (from !== 'Selector') return from === 'All' || owner === asking
    const all = this.#versions.get(`Namespace ${asking}`) ?? []
    return all.some(({ object, ms: seen }, i) => {
      const until = all[i + 1]?.ms ?? Number.POSITIVE_INFINITY
      const labels = object?.metadata.labels ?? {}
      const fits = Object.entries(selector?.matchLabels ?? { none: 'none' }).every(([k, v]) => labels[k] === v)
      return fits && seen <= ms && until > ms - labelsLagMs
    })
  }
}

type Heard = Readonly<Record<string, string>>

function heardBy(object: KubeObject | undefined): Heard {
  try {
    return Object(JSON.parse(object?.metadata.annotations?.[heardAnnotation] ?? '{}')) as Heard
  } catch {
    return {}
  }
}

const factsOf = <S>({ spec, metadata }: KubeObject) => ({ spec: spec as S, uid: metadata.uid ?? '' })

/** Whether an object is valid, as far as objects that are declared here can be invalid and still be stored. */
function isValid({ kind, spec }: KubeObject): boolean {
  if (kind === 'RelayPolicy') return (spec as PolicySpec).admission.limits.transactionTime !== '0s'
  return kind !== 'SenderDomain' || !(spec as DomainSpec).localParts.includes('.')
}

const refersTo = ({ name, namespace }: Reference, from: string): string => `${namespace ?? from}/${name}`

const expired = ({ expiresAt }: CredentialSpec, entry: CredentialConfig): boolean =>
  expiresAt !== undefined && (entry.expiresAt === undefined || entry.expiresAt > Date.parse(expiresAt))

/** The uids of the owners of all Secrets with a password, by its verifier. */
function passwordOwners(versions: Chronicle['versions']): ReadonlyMap<string, readonly string[]> {
  const owners = new Map<string, string[]>()
  const objects = [...versions].filter(([key]) => key.startsWith('Secret ')).flatMap(([, all]) => all)
  for (const { object } of objects) {
    const password = (object?.['data'] as Readonly<Record<string, string>> | undefined)?.['password']
    if (password === undefined) continue
    const verifier = verifierOf(Buffer.from(password, 'base64').toString())
    const uids = (object?.metadata.ownerReferences ?? []).map((o) => o.uid)
    owners.set(verifier, [...(owners.get(verifier) ?? []), ...uids])
  }
  return owners
}
