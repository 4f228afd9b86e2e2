/** Makes each fleet as it was compiled, in a lane of its own, so that one in trouble delays no other. */
import { createHash } from 'node:crypto'
import type { RelayConfig } from '../../../relay/config.ts'
import type { Backoff } from '../../backoff.ts'
import type { Issued } from '../../ca.ts'
import type { Compiled, CompiledFleet } from '../../compile/compiled.ts'
import { type Name, nameIn } from '../../compile/snapshot.ts'
import { unchanged } from '../../compile/unchanged.ts'
import { compiledHash } from '../../compiled-hash.ts'
import type { Dirty } from '../../dirty.ts'
import { longestExpiryMs } from '../../lifecycle/longest-expiry.ts'
import type { ClusterFacts } from '../../manifests/relay-fleet.ts'
import type { Api } from '../api/api.ts'
import type { World } from '../watch/world.ts'
import { Deposed, type Writing } from '../write/apply.ts'
import { type Lanes, openLanes } from '../write/lanes.ts'
import type { LetGo } from '../write/mail-finalizer.ts'
import { identityOf } from '../write/prune.ts'
import type { Fleet } from './fleet.ts'
import type { FleetJob } from './fleet-job.ts'
import { errorTrouble } from './fleet-trouble.ts'
import { ordinaryTurns, type Turns, takeTurns } from './fleet-turns.ts'
import { type Ended, type FleetHands, workOn } from './fleet-work.ts'
import { type Forsaken, openForsaken } from './forsaken.ts'
import { certificateEndsAt, certificateServes, issuedHosts } from './issued-secret.ts'
import { Issuing } from './issuing.ts'
import { KnownFleets } from './known-fleets.ts'
import { leaveOf } from './leaving.ts'
import type { LoadedConfigs } from './loaded-configs.ts'
import { nudgePods } from './nudge.ts'
import { type AskLeaving, isToBeTold } from './shrinking.ts'
import type { PemOf } from './signing-keys.ts'

/** How the writing of a fleet went. */
export type FleetWritten = {
  /** The hash of the configuration that its Secrets hold; absent before there is one. */
  readonly hash?: string
  /** Why it is not, or not wholly, as it was compiled; in words for a person. */
  readonly trouble?: string
  /** When the certificate that was issued for its listeners ends, in milliseconds since the epoch. */
  readonly certificateEndsAt?: number
}

export type Fleets = {
  /** What each fleet should be from now on, compiled after `running` last answered; returns at once. */
  give(compiled: Pick<Compiled, 'fleets'>): void
  /**
   * The configuration that each of these fleets last got, by its Secrets: read once, then remembered.
   * Resolves when there is an answer for each; a fleet without one is absent, and so is one whose Secrets hold no whole
   * configuration or could not be looked at soon: nothing is written for that one before they could.
   */
  running(policies: readonly Name[], signal: AbortSignal): Promise<ReadonlyMap<Name, RelayConfig>>
  written(fleet: Name): FleetWritten
  /** By its hash, one of the configurations that it got last. */
  had(fleet: Name, hash: string): RelayConfig | undefined
  /** Has the pods' kubelets look for changed Secrets now. */
  nudge(fleet: Name, pods: readonly string[]): Promise<void>
  /** Called when relays that are to leave have said something new: the fleet is worked on again. */
  again(): void
  /** Whether a relay signs, or may sign, with the key in that file; `unknown` while a fleet has not been looked at. */
  inUse(keyFile: string): 'yes' | 'no' | 'unknown'
  /** How long a relay of any fleet keeps mail at most, in milliseconds. */
  readonly expireAfterMs: number
  /**
   * Called when all relays of a fleet report the same configuration: private keys that were kept for relays that lagged may
   * go.
   */
  loadedAll(fleet: Name): void
  run(signal: AbortSignal): Promise<void>
}

export type FleetsOptions = {
  readonly api: Api
  readonly world: Pick<World, 'declaredAs' | 'forsaken' | 'made' | 'pods' | 'heard' | 'refresh' | 'serviceMonitors'>
  readonly authority: (signal: AbortSignal) => Promise<{ readonly signer: Issued; readonly bundle: string }>
  /** The private keys that relays sign with. */
  readonly pemOf?: PemOf
  readonly loaded?: Pick<LoadedConfigs, 'has'>
  readonly mayWrite: () => boolean
  readonly cluster: Omit<ClusterFacts, 'serviceMonitors'>
  /** Called when something was written, or could not be: statuses may change. */
  readonly wake: () => void
  /** Raised when something has to be compiled anew. */
  readonly dirty: Pick<Dirty, 'mark'>
  readonly now?: () => number
  readonly backoff?: Backoff
  readonly turns?: Turns
  /** How long the first answer about a fleet may hold up the others. */
  readonly patienceMs?: number
  /** What a relay that is to leave says. */
  readonly ask: AskLeaving
  readonly gaveUp?: FleetHands['gaveUp']
  readonly letGo?: (fleet: Name, mail: LetGo) => void
  /**
   * Called with a policy whose namespace is being deleted, and whose finalizer could not be taken off; `why` is for people.
   */
  readonly notLetGo?: (fleet: Name, why: string) => void
  /** Called with how long the work on one fleet took; milliseconds. */
  readonly took?: (ms: number) => void
}

const ordinaryBackoff: Backoff = { firstMs: 500, longestMs: 60_000 }
const ordinaryPatienceMs = 3000
const noPem: PemOf = async () => undefined
const noneLoaded = { has: () => false }
/** How long to wait for what is under way in the end; it is given up, which takes no time. */
const endMs = 5000

/** `mark` names the work, and the objects as they were when it was given. */
type Job = { readonly fleet: Fleet; readonly job: FleetJob; readonly mark: string }
type Taken = Pick<FleetJob, 'heard' | 'round'>

export const openFleets = (options: FleetsOptions): Fleets => new ClusterFleets(options)

class ClusterFleets implements Fleets {
  readonly #options: FleetsOptions
  readonly #ending = new AbortController()
  readonly #now: () => number
  readonly #writing: Writing
  readonly #hands: Omit<FleetHands, 'struggles'>
  readonly #fleets: KnownFleets
  readonly #lanes: Lanes<Job>
  readonly #forsaken: Forsaken
  #round = 0
  /** Whether `running` has answered, so that it is known which fleets there are. */
  #isAnswered = false
  #taken: Taken | undefined

  constructor(options: FleetsOptions) {
    const { api, world, mayWrite, cluster, pemOf = noPem, loaded = noneLoaded } = options
    const { backoff = ordinaryBackoff, patienceMs = ordinaryPatienceMs } = options
    const { signal } = this.#ending
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#writing = { api, mayWrite, signal }
    const { ask, gaveUp = () => undefined, letGo = () => undefined, notLetGo = () => undefined } = options
    const signer = (): Promise<Issued> => this.#signer()
    const issuing = new Issuing()
    this.#hands = {
      writing: this.#writing,
      world,
      signer,
      issuing,
      pemOf,
      loaded,
      cluster,
      now: this.#now,
      ask,
      gaveUp,
    }
    const late = (): void => this.#outdated()
    const look = { api, signal, patienceMs, backoff, late }
    this.#fleets = new KnownFleets({ world, mayWrite, round: () => this.#round, look })
    this.#forsaken = openForsaken({
      world,
      writing: this.#writing,
      backoff,
      done: ({ ref }) => letGo(nameIn(ref), 'went with its namespace'),
      failed: (ref, error) => notLetGo(nameIn(ref), errorTrouble(`taking the finalizer off ${ref}`, error)),
    })
    this.#lanes = openLanes<Job>({
      backoff,
      work: (_name, job) => this.#work(job),
      failed: (name, error) => this.#failed(name as Name, (error as Error).message),
      took: options.took,
    })
  }

  give({ fleets }: Pick<Compiled, 'fleets'>): void {
    const leads = this.#fleets.leads()
    const taken = this.#taken ?? this.#take()
    this.#taken = undefined
    this.#fleets.keepOnly(fleets.keys())
    if (!leads) return
    this.#forsaken.look()
    for (const [name, compiled] of fleets) this.#consider(name, compiled, taken)
  }

  async running(policies: readonly Name[], signal: AbortSignal): Promise<ReadonlyMap<Name, RelayConfig>> {
    this.#fleets.leads()
    this.#taken = this.#take()
    this.#fleets.keepOnly(policies)
    const fleets = await this.#fleets.answered(policies, signal)
    for (const fleet of fleets) fleet.basis = fleet.secrets.basis
    this.#isAnswered = true
    return new Map(
      fleets.flatMap(({ name, secrets }) => (secrets.running === undefined ? [] : [[name, secrets.running.config]])),
    )
  }

  inUse(keyFile: string): 'yes' | 'no' | 'unknown' {
    if (!this.#isAnswered) return 'unknown'
    const answers = this.#fleets.all().map((fleet) => (fleet.isLooked ? fleet.secrets.inUse(keyFile) : 'unknown'))
    return answers.find((a) => a === 'yes') ?? answers.find((a) => a === 'unknown') ?? 'no'
  }

  get expireAfterMs(): number {
    return longestExpiryMs(this.#fleets.all().flatMap(({ secrets }) => secrets.running?.config ?? []))
  }

  loadedAll(name: Name): void {
    const fleet = this.#fleets.get(name)
    if (fleet === undefined || !fleet.secrets.hasSurplusKeys) return
    fleet.hasKeysToClear = true
    this.#options.dirty.mark()
  }

  written(name: Name): FleetWritten {
    const fleet = this.#fleets.get(name)
    const secrets = fleet?.secrets
    const hash = secrets?.running?.hash
    const endsAt = certificateEndsAt(secrets?.ours(secrets.issuedName))
    return {
      ...(hash !== undefined && { hash }),
      ...(fleet?.trouble !== undefined && { trouble: fleet.trouble }),
      ...(endsAt !== undefined && { certificateEndsAt: endsAt }),
    }
  }

  had(name: Name, hash: string): RelayConfig | undefined {
    return this.#fleets.get(name)?.secrets.had(hash)
  }

  async nudge(name: Name, pods: readonly string[]): Promise<void> {
    const chosen = this.#options.world.pods(name).filter((pod) => pods.includes(pod.name))
    await nudgePods(name, chosen, this.#now(), this.#writing)
  }

  again(): void {
    this.#options.dirty.mark()
  }

  async run(signal: AbortSignal): Promise<void> {
    const end = (): void => this.#ending.abort()
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
    const look = (fleet: Fleet, name: string): void => void this.#lookAt(fleet, name).catch(() => undefined)
    const { turns = ordinaryTurns } = this.#options
    await takeTurns(
      () => this.#fleets.all(),
      (fleet) => this.#beginTurn(fleet),
      look,
      turns,
      this.#ending.signal,
    )
    this.#forsaken.close()
    this.#lanes.close()
    await this.#lanes.rest(endMs)
  }

  #take(): Taken {
    this.#round += 1
    return { heard: this.#options.world.heard(), round: this.#round }
  }

  /** Work that is done or under way, for objects that are as they were, is not given again, and so costs no call. */
  #consider(name: Name, compiled: CompiledFleet, taken: Taken): void {
    const fleet = this.#fleets.of(name)
    if (fleet === undefined) return
    // What was compiled knew nothing of a fleet that is not looked at yet: once it is, all is compiled anew (`late`).
    fleet.goOn()
    const key = hashOf(compiled)
    const mark = `${key} ${fleet.found} ${this.#madeNow(name)}`
    fleet.job = { compiled, ...taken, basis: fleet.basis }
    if (!fleet.hasKeysToClear && (fleet.settled === mark || fleet.inHand === mark)) return
    this.#lanes.give(name, { fleet, job: fleet.job, mark }, key)
  }

  /** Names the objects of a fleet and the finalizers of its policy, as the watches last told of them. */
  #madeNow(name: Name): string {
    const { world } = this.#options
    const made = world.made(name).map((o) => `${identityOf(o)} ${o.metadata.uid} ${o.metadata.resourceVersion}`)
    const { finalizers = [] } = world.declaredAs(`RelayPolicy ${name}`) ?? {}
    return [...made.toSorted(), world.serviceMonitors, ...finalizers].join()
  }

  async #work({ fleet, job, mark }: Job): Promise<void> {
    if (this.#fleets.get(fleet.name) !== fleet || !fleet.isLooked || !this.#options.mayWrite()) return
    fleet.inHand = mark
    fleet.settled = undefined
    fleet.hasKeysToClear = false
    try {
      const hands = { ...this.#hands, struggles: fleet.struggles }
      this.#ended(fleet, mark, await workOn(fleet.secrets, fleet.fence, job, hands).catch(deposed))
    } finally {
      fleet.inHand = undefined
    }
  }

  /** @throws Error with all troubles in its message, so that the lane tries again. */
  #ended(fleet: Fleet, mark: string, ended: Ended): void {
    switch (ended.is) {
      case 'done':
        fleet.settled = mark
        fleet.trouble = undefined
        this.#options.wake()
        return
      case 'outdated':
        this.#outdated()
        return
      case 'shrinking':
        // It is not settled, so the next turn of the loop, or of the looks, works on it again.
        fleet.trouble = undefined
        this.#options.wake()
        return
      case 'let go':
        fleet.trouble = undefined
        this.#options.letGo?.(fleet.name, ended.mail)
        return
      case 'resting':
        fleet.trouble = undefined
        return
      case 'troubled':
        throw new Error(ended.troubles.join('; and '))
    }
  }

  #failed(name: Name, why: string): void {
    const fleet = this.#fleets.get(name)
    if (fleet !== undefined) fleet.trouble = why
    this.#options.wake()
  }

  #outdated(): void {
    this.#options.dirty.mark()
    this.#options.wake()
  }

  /**
   * What to look at in a turn of one fleet. Work that ended without trouble and is not settled is given again by that: of a
   * fleet that shrinks, or whose namespace is being deleted.
   */
  #beginTurn(fleet: Fleet): readonly string[] {
    if (!this.#fleets.leads() || !fleet.isLooked) return []
    if (this.#hasPodToTell(fleet)) fleet.settled = undefined
    if (fleet.settled === undefined && fleet.inHand === undefined && fleet.trouble === undefined) {
      this.#options.dirty.mark()
    }
    return fleet.secrets.turn()
  }

  #hasPodToTell({ name, job }: Fleet): boolean {
    const leave = job === undefined ? undefined : leaveOf(job.compiled)
    return leave !== undefined && this.#options.world.pods(name).some((pod) => isToBeTold(pod, leave.wanted))
  }

  async #lookAt(fleet: Fleet, name: string): Promise<void> {
    const { secrets } = fleet
    const changed = await secrets.lookAtOne(name, this.#options.api, this.#ending.signal)
    if (!changed && (name !== secrets.issuedName || (await this.#servesStill(fleet)))) return
    fleet.found += 1
    fleet.settled = undefined
    this.#options.dirty.mark()
  }

  async #servesStill({ secrets, job }: Fleet): Promise<boolean> {
    const secret = secrets.ours(secrets.issuedName)
    const hosts = job === undefined ? undefined : issuedHosts(job.compiled, secret)
    if (hosts === undefined || secret === undefined) return true
    return await certificateServes(secret, hosts, await this.#signer(), this.#now())
  }

  async #signer(): Promise<Issued> {
    const { signer } = await this.#options.authority(this.#ending.signal)
    return signer
  }
}

const hashes = unchanged<CompiledFleet, string>()

const hashOf = (compiled: CompiledFleet): string =>
  hashes(compiled, [], () => {
    const text = JSON.stringify({ ...compiled, config: compiledHash(compiled) })
    return createHash('sha256').update(text).digest('hex').slice(0, 32)
  })

function deposed(error: unknown): Ended {
  if (error instanceof Deposed) return { is: 'resting' }
  throw error
}
