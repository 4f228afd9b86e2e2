/** What is known of a fleet's Secrets. Secrets are not watched, so it is remembered from looks and from own writes. */
import { type RelayConfig, signingKeyFilesOf } from '../../../relay/config.ts'
import { type Name, splitName } from '../../compile/snapshot.ts'
import { configSecretNames, issuedSecretName, signingSecretNames } from '../../manifests/names.ts'
import { signingSecretOf } from '../../manifests/signing-secrets.ts'
import type { Api } from '../api/api.ts'
import type { KubeObject } from '../api/object.ts'
import { resources } from '../api/resource.ts'
import { dataOf } from '../api/secret-data.ts'
import { heardAnnotation, heardMore } from '../watch/heard.ts'
import type { Heard } from '../watch/world.ts'
import { look, type Seen } from '../write/look.ts'
import { belongingOf, type Owner } from '../write/ownership.ts'
import { type KnownConfig, knownConfig } from './known-config.ts'

type Running = Extract<KnownConfig, { readonly is: 'known' }>

/**
 * How many configurations are remembered: a relay takes some seconds to load one, and there is a new one every second at
 * most.
 */
const mostLatest = 12

export class FleetSecrets {
  readonly fleet: Name
  readonly owner: Owner
  readonly issuedName: string
  readonly configNames: readonly string[]
  readonly signingNames: readonly string[]
  readonly #seen = new Map<string, Seen>()
  #running: Running | undefined
  /** The configurations that the fleet got last, the newest first: relays may still have any of these. */
  #latest: readonly Running[] = []
  #named: { readonly of: Running | undefined; readonly files: ReadonlySet<string> } = {
    of: undefined,
    files: new Set(),
  }
  #unknown: string | undefined
  #writes = 0
  #turn = 0

  constructor(fleet: Name, owner: Owner) {
    const { name } = splitName(fleet)
    this.fleet = fleet
    this.owner = owner
    this.issuedName = issuedSecretName(name)
    this.configNames = configSecretNames(name)
    this.signingNames = signingSecretNames(name)
  }

  /** The configuration that the fleet got last. Damage to the Secrets does not change it, and is repaired with it. */
  get running(): Running | undefined {
    return this.#running
  }

  /** One of the latest configurations, by its hash; undefined where it is none of them. */
  had(hash: string): RelayConfig | undefined {
    return this.#latest.find((running) => running.hash === hash)?.config
  }

  /** Whether each name that a configuration may be under was looked at. */
  get isAllSeen(): boolean {
    return this.configNames.every((name) => this.#seen.has(name))
  }

  /** Grows with each own write. */
  get writes(): number {
    return this.#writes
  }

  /** Why the configuration is not known, although there is something; undefined where it is known, or there is nothing. */
  get unknown(): string | undefined {
    return this.#running === undefined ? this.#unknown : undefined
  }

  /**
   * Names the configuration that ran, for a decision that is based on it: if another one runs by then, it has to be decided
   * anew.
   */
  get basis(): string {
    return this.#running?.hash ?? this.#unknown ?? ''
  }

  /**
   * Looks at all that has to be known at first. Mostly that is one Secret, since a configuration in one piece is under the
   * first name.
   */
  async look(api: Api, signal: AbortSignal): Promise<void> {
    const [first = '', ...others] = this.configNames
    const writes = this.#writes
    const [firstSeen] = await Promise.all([
      this.#lookAt(first, api, signal),
      this.#lookAt(this.issuedName, api, signal),
    ])
    const rest = isOnePiece(firstSeen) ? [] : others
    await Promise.all(rest.map((name) => this.#lookAt(name, api, signal)))
    if (this.#writes === writes) this.#settle()
  }

  /** Looks at every name that the configuration may be under. */
  async lookAgain(api: Api, signal: AbortSignal): Promise<void> {
    await Promise.all(this.configNames.map((name) => this.#lookAt(name, api, signal)))
    this.#settle()
  }

  async lookAtIssued(api: Api, signal: AbortSignal): Promise<void> {
    await this.#lookAt(this.issuedName, api, signal)
  }

  /** Looks at one Secret; whether it is no longer what it was. */
  async lookAtOne(name: string, api: Api, signal: AbortSignal): Promise<boolean> {
    const before = this.seen(name)
    const writes = this.#writes
    const now = await look(api, resources.secrets, this.#at(name), signal)
    if (this.#writes !== writes) return false
    this.#seen.set(name, now)
    if (isSame(before, now)) return false
    this.#settle()
    return true
  }

  /** The names to look at in one turn: all under which something is, and one of the others. */
  turn(): readonly string[] {
    const names = this.#names
    const there = names.filter((n) => this.seen(n).is !== 'absent')
    const others = names.filter((n) => !there.includes(n))
    const other = others[this.#turn++ % Math.max(1, others.length)]
    return other === undefined ? there : [...there, other]
  }

  /** Whether anybody has looked there. */
  isSeen(name: string): boolean {
    return this.#seen.has(name)
  }

  seen(name: string): Seen {
    return this.#seen.get(name) ?? { is: 'absent' }
  }

  /** The Secret of that name as it was last seen or written; undefined where it is not this fleet's. */
  ours(name: string): KubeObject | undefined {
    const seen = this.#seen.get(name)
    return seen?.is === 'there' && belongingOf(seen.object, this.owner) === 'ours' ? seen.object : undefined
  }

  get allOurs(): readonly KubeObject[] {
    return this.#names.flatMap((name) => this.ours(name) ?? [])
  }

  /** Whether this fleet's relays sign with the key in that file, or one that lags may. */
  inUse(keyFile: string): 'yes' | 'no' | 'unknown' {
    if (this.#namedFiles().has(keyFile)) return 'yes'
    const isGone = this.isSeen(signingSecretOf(this.fleet, keyFile)) && !this.hasKey(keyFile)
    return isGone && this.unknown === undefined ? 'no' : 'unknown'
  }

  /** Whether the private key in that file is there for the relays, as was last seen. */
  hasKey(keyFile: string): boolean {
    const object = this.ours(signingSecretOf(this.fleet, keyFile))
    return object !== undefined && dataOf(object)[keyFile] !== undefined
  }

  /** Whether there are private keys that the configuration does not name. */
  get hasSurplusKeys(): boolean {
    const named = this.#namedFiles()
    const objects = this.signingNames.flatMap((name) => this.ours(name) ?? [])
    return objects.some((object) => Object.keys(dataOf(object)).some((file) => !named.has(file)))
  }

  /**
   * The key files that the configuration names; listed once for each configuration, since ten thousand keys are asked about.
   */
  #namedFiles(): ReadonlySet<string> {
    if (this.#named.of !== this.#running) {
      const files = this.#running === undefined ? [] : signingKeyFilesOf(this.#running.config)
      this.#named = { of: this.#running, files: new Set(files) }
    }
    return this.#named.files
  }

  /** The names under which there is something that is not this fleet's, or that is being deleted. */
  notOurs(): ReadonlyMap<string, 'foreign' | 'leaving'> {
    const found = [...this.#seen].flatMap(([name, seen]) => {
      if (seen.is === 'foreign') return [[name, 'foreign'] as const]
      const belonging = seen.is === 'there' ? belongingOf(seen.object, this.owner) : 'ours'
      return belonging === 'ours' ? [] : [[name, belonging] as const]
    })
    return new Map(found)
  }

  /** The annotation of a writer of the configuration that had heard more than `heard`; undefined where none had. */
  ahead(heard: Heard): string | undefined {
    return this.#configs()
      .map(({ metadata }) => metadata.annotations?.[heardAnnotation])
      .find((written) => heardMore(written, heard))
  }

  /** Takes note of an own write; `object` undefined: the Secret was removed. */
  wrote(name: string, object: KubeObject | undefined): void {
    this.#writes += 1
    this.#seen.set(name, object === undefined ? { is: 'absent' } : { is: 'there', object })
  }

  /** Takes note that all of `compiled` was written, or is there already: that very object is then what runs. */
  wroteAll(compiled: Pick<Running, 'config' | 'hash'>): void {
    this.#settle(compiled)
  }

  get #names(): readonly string[] {
    return [...this.configNames, this.issuedName, ...this.signingNames]
  }

  #configs(): readonly KubeObject[] {
    return this.configNames.map((n) => this.ours(n)).filter((o) => o !== undefined)
  }

  /**
   * A whole configuration in the Secrets is what runs, whoever wrote it. Where it is damaged or gone, what ran stays known.
   */
  #settle(compiled?: Pick<Running, 'config' | 'hash'>): void {
    const parsed = [compiled, this.#running].filter((known) => known !== undefined)
    const known = knownConfig(this.#configs(), parsed)
    if (known.is === 'known') this.#note(known)
    this.#unknown = known.is === 'unknown' ? known.why : undefined
  }

  #note(known: Running): void {
    if (known.config === this.#running?.config) return
    this.#running = known
    this.#latest = [known, ...this.#latest.filter(({ hash }) => hash !== known.hash)].slice(0, mostLatest)
  }

  async #lookAt(name: string, api: Api, signal: AbortSignal): Promise<Seen> {
    const seen = await look(api, resources.secrets, this.#at(name), signal)
    this.#seen.set(name, seen)
    return seen
  }

  #at(name: string) {
    return { namespace: this.owner.namespace, name }
  }
}

const isOnePiece = (seen: Seen): boolean => seen.is === 'there' && dataOf(seen.object)['relay.json'] !== undefined

const isSame = (before: Seen, now: Seen): boolean =>
  before.is === now.is &&
  (before.is !== 'there' || now.is !== 'there' || versionOf(before.object) === versionOf(now.object))

const versionOf = ({ metadata }: KubeObject): string => `${metadata.uid} ${metadata.resourceVersion}`
