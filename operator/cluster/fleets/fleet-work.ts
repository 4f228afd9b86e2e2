/** The work on one fleet: its certificate, its configuration, its objects, in the order in which its relays need them. */
import type { RelayConfig } from '../../../relay/config.ts'
import { lessRevoked } from '../../../relay/less-revoked.ts'
import type { Issued } from '../../ca.ts'
import type { CompiledFleet } from '../../compile/compiled.ts'
import { TooLarge } from '../../manifests/config-secrets.ts'
import { manifestsOf } from '../../manifests/manifests.ts'
import type { ClusterFacts } from '../../manifests/relay-fleet.ts'
import { told } from '../api/api.ts'
import { isConflict, isNotFound, isTransient } from '../api/api-error.ts'
import type { DeclaredObject } from '../watch/declared.ts'
import { printHeard } from '../watch/heard.ts'
import type { World } from '../watch/world.ts'
import { type Applied, applyObject, Deposed } from '../write/apply.ts'
import { isOrphaning } from '../write/mail-finalizer.ts'
import { identityOf, notAmong, prune } from '../write/prune.ts'
import {
  type PrintedConfig,
  planConfig,
  printedConfig,
  removeSecret,
  writeConfig,
  writeSecret,
} from './config-writing.ts'
import type { Fence } from './fence.ts'
import type { FleetJob } from './fleet-job.ts'
import type { FleetSecrets } from './fleet-secrets.ts'
import { appliedTrouble, errorTrouble, foreignTrouble, isNamespaceLeaving, leavingTrouble } from './fleet-trouble.ts'
import { issuedHosts } from './issued-secret.ts'
import type { Issuing } from './issuing.ts'
import { keep, letGo } from './keeping.ts'
import { withKeysAtHand } from './keys-at-hand.ts'
import { leaveOf } from './leaving.ts'
import type { LoadedConfigs } from './loaded-configs.ts'
import { nudgePods } from './nudge.ts'
import { namedAfter, reclaim } from './reclaim.ts'
import { relaysForNow, type ShrinkingHands } from './shrinking.ts'
import { bringKeys, clearKeys, type PemOf } from './signing-keys.ts'
import type { Struggles } from './struggle.ts'

export type Ended =
  | { readonly is: 'done' }
  /** What it was compiled from has changed: it has to be compiled anew. */
  | { readonly is: 'outdated' }
  /** Relays are still to leave: the fleet is made smaller when they hold no mail. */
  | { readonly is: 'shrinking' }
  /** The finalizer was taken off the policy: it goes, and the garbage collector removes all of this with it. */
  | { readonly is: 'let go'; readonly mail: 'none' | 'given up' }
  /** There is nothing to be done for now, and nothing wrong. */
  | { readonly is: 'resting' }
  | { readonly is: 'troubled'; readonly troubles: readonly string[] }

export type FleetHands = ShrinkingHands & {
  readonly world: Pick<World, 'declaredAs' | 'made' | 'pods' | 'refresh' | 'serviceMonitors'>
  readonly signer: () => Promise<Issued>
  /** Of all fleets. */
  readonly issuing: Issuing
  readonly pemOf: PemOf
  readonly loaded: Pick<LoadedConfigs, 'has'>
  readonly cluster: Omit<ClusterFacts, 'serviceMonitors'>
  /** Of this one fleet. */
  readonly struggles: Struggles
}

type Running = Extract<CompiledFleet, { readonly kind: 'run' }>

class Outdated extends Error {}
class Resting extends Error {}

/** @throws Deposed where another operator writes from now on */
export async function workOn(secrets: FleetSecrets, fence: Fence, job: FleetJob, hands: FleetHands): Promise<Ended> {
  try {
    return await new Work(secrets, fence, job, hands).run()
  } catch (error) {
    if (error instanceof Outdated) return { is: 'outdated' }
    if (error instanceof Resting) return { is: 'resting' }
    throw error
  }
}

class Work {
  readonly #secrets: FleetSecrets
  readonly #fence: Fence
  readonly #job: FleetJob
  readonly #hands: FleetHands
  readonly #troubles: string[] = []
  readonly #nudges: Promise<void>[] = []
  #isShrinking = false
  #hasGivenUp = false

  constructor(secrets: FleetSecrets, fence: Fence, job: FleetJob, hands: FleetHands) {
    this.#secrets = secrets
    this.#fence = fence
    this.#job = job
    this.#hands = hands
  }

  async run(): Promise<Ended> {
    const { compiled } = this.#job
    const { issuedName } = this.#secrets
    try {
      // The first certificate is written before the configuration that names it. A later one may come after the
      // configuration: what revokes a right must not wait for an authority.
      const isFirst = this.#secrets.ours(issuedName) === undefined
      if (isFirst) await this.#certificate()
      // A key that signs is there before the configuration names it; one that it no longer names is removed after that.
      await this.#configuration(await this.#signing(bringKeys))
      if (this.#troubles.length === 0 && this.#isLoaded()) await this.#signing(clearKeys)
      if (!isFirst) await this.#certificate()
      const relays = await this.#relays()
      // Even where something else is wrong with the fleet: nothing of it is needed any more.
      if (compiled.leaving === true && relays === 0 && (await this.#letGo())) {
        return { is: 'let go', mail: this.#hasGivenUp ? 'given up' : 'none' }
      }
      // A policy is carried out whole or not at all: while the configuration is the old one, the objects stay the old ones.
      if (compiled.kind === 'run' && relays !== undefined && this.#troubles.length === 0) {
        await this.#objects(compiled, relays)
      }
    } finally {
      await Promise.all(this.#nudges)
    }
    if (this.#troubles.length > 0) return { is: 'troubled', troubles: this.#troubles }
    return { is: this.#isShrinking ? 'shrinking' : 'done' }
  }

  async #certificate(): Promise<void> {
    const { issuedName, fleet, owner } = this.#secrets
    const hosts = issuedHosts(this.#job.compiled, this.#secrets.ours(issuedName))
    if (hosts === undefined) return
    const what = `Secret ${owner.namespace}/${issuedName}`
    const { writing, signer, issuing, now } = this.#hands
    const lookAgain = (): Promise<void> => this.#secrets.lookAtIssued(writing.api, writing.signal)
    await this.#tried(`issuing ${what}`, async () => {
      // Somebody may have made room.
      if (this.#secrets.notOurs().has(issuedName)) await lookAgain()
      if (this.#tellNotOurs(issuedName)) return
      const before = this.#secrets.ours(issuedName)
      const secret = await issuing.secret(fleet, issuedName, hosts, before, await signer(), now())
      await this.#written(lookAgain, async () => [await writeSecret(this.#secrets, secret, writing)])
    })
  }

  /**
   * Whether all relays have loaded what runs. Before that, one may still sign with a key that this configuration does not
   * name.
   */
  #isLoaded(): boolean {
    const { fleet, running } = this.#secrets
    return this.#hands.loaded.has(fleet, running?.hash)
  }

  /** Whether it is done. */
  async #signing(work: typeof bringKeys): Promise<boolean> {
    const secrets = this.#secrets
    const config = this.#job.compiled.config ?? secrets.running?.config
    if (config === undefined) return true
    const { writing, pemOf } = this.#hands
    const { owner, signingNames } = secrets
    const lookAgain = async (): Promise<void> => {
      for (const name of signingNames) await secrets.lookAtOne(name, writing.api, writing.signal)
    }
    const what = `Secret ${owner.namespace}/${signingNames[0]}`
    let isDone = false
    await this.#tried(`writing the keys that sign into ${what} and on`, async () => {
      isDone = await this.#written(lookAgain, () => work(config, { secrets, writing, pemOf }))
    })
    return isDone
  }

  /** `isBrought`: whether the keys that it names are there. */
  async #configuration(isBrought: boolean): Promise<void> {
    const { basis } = this.#job
    const secrets = this.#secrets
    const what = `Secret ${secrets.owner.namespace}/${secrets.configNames[0]} and on`
    await this.#tried(`writing the configuration into ${what}`, async () => {
      // Somebody may have made room.
      if (secrets.configNames.some((name) => secrets.notOurs().has(name))) await this.#lookAgain()
      if (basis !== undefined && basis !== secrets.basis) throw new Outdated()
      for (const name of secrets.configNames) this.#tellNotOurs(name)
      const config = this.#toWrite(isBrought)
      if (config !== undefined) await this.#configure(config)
      else if (secrets.unknown !== undefined) this.#tell(unknownTrouble(what, secrets.unknown))
    })
  }

  /** A held fleet gets the configuration that it last had; so damage is repaired for it, too. */
  #toWrite(isBrought: boolean): RelayConfig | undefined {
    const running = this.#secrets.running?.config
    const config = this.#job.compiled.config ?? running
    if (isBrought || config === undefined || running === undefined) return config
    return withKeysAtHand(config, running, (file) => this.#secrets.hasKey(file))
  }

  async #configure(config: RelayConfig): Promise<void> {
    const { heard, round } = this.#job
    const secrets = this.#secrets
    const printed = this.#printed(config)
    let plan = planConfig(secrets, printed)
    // Where more than one Secret is to be written, some parts may be there already, under names at which nobody has looked.
    if (plan.write.length > 1 && !secrets.isAllSeen) {
      await this.#lookAgain()
      plan = planConfig(secrets, printed)
    }
    if (plan.write.length + plan.remove.length === 0) {
      if (secrets.running?.config !== printed.config) secrets.wroteAll(printed)
      return
    }
    if (!(await this.#fence.passes(secrets.ahead(heard), round))) throw new Outdated()
    const write = () => writeConfig(secrets, plan, printed, printHeard(heard), this.#hands.writing)
    await this.#written(() => this.#lookAgain(), write)
  }

  #printed(config: RelayConfig): PrintedConfig {
    const { fleet, running } = this.#secrets
    try {
      return printedConfig(fleet, config)
    } catch (error) {
      if (!(error instanceof TooLarge) || running === undefined) throw error
      this.#tell(`${error.message}; until then it gets nothing new, and loses what is taken away`)
      return printedConfig(fleet, lessRevoked(running.config, config))
    }
  }

  async #lookAgain(): Promise<void> {
    const { api, signal } = this.#hands.writing
    await this.#secrets.lookAgain(api, signal)
  }

  /**
   * Whether all is written. Where a Secret is no longer what it was, it is looked at again, and the work begins anew.
   */
  async #written(lookAgain: () => Promise<void>, write: () => Promise<readonly Applied[]>): Promise<boolean> {
    const { writes } = this.#secrets
    try {
      const troubles = (await write()).flatMap((applied) => appliedTrouble(applied) ?? [])
      this.#troubles.push(...troubles)
      if (this.#secrets.writes > writes) this.#nudge()
      return troubles.length === 0
    } catch (error) {
      // An answer that was lost may have said that it was written.
      if (this.#secrets.writes > writes || isTransient(error)) this.#nudge()
      if (!isConflict(error) && !isNotFound(error)) throw error
      await lookAgain()
      throw new Outdated()
    }
  }

  async #objects(compiled: Running, relays: number): Promise<void> {
    const { world, cluster, writing, now } = this.#hands
    const { fleet, owner } = this.#secrets
    const { serviceMonitors } = world
    if (!(await this.#keep())) return
    const manifests = manifestsOf({ name: fleet, compiled, relays, cluster: { ...cluster, serviceMonitors } })
    const made = world.made(fleet)
    const observed = new Map(made.map((o) => [identityOf(o), o]))
    for (const manifest of manifests) {
      await this.#tried(`writing ${told(manifest)}`, async () => {
        const before = observed.get(identityOf(manifest))
        const applied = await applyObject(manifest, before, owner, writing)
        this.#tell(appliedTrouble(applied))
        if (applied.kind === 'applied') this.#tell(this.#hands.struggles.wrote(manifest, before, applied.object, now()))
      })
    }
    await this.#tried(`removing what fleet ${fleet} no longer needs`, async () => {
      // Once it has its owner again, the watch tells of it, and it is removed in the next round.
      await reclaim(namedAfter(fleet, notAmong(manifests, made)), owner, writing).catch(outdated)
      await prune(made, manifests, owner, writing)
      const { issuedName } = this.#secrets
      if (issuedHosts(compiled, undefined) === undefined) await removeSecret(this.#secrets, issuedName, writing)
    })
  }

  /**
   * How many relays the fleet is to have for now. Undefined where that is not known, and told as trouble; and for a fleet
   * that is held, since none of its relays is to leave.
   */
  async #relays(): Promise<number | undefined> {
    const { fleet } = this.#secrets
    const leave = leaveOf(this.#job.compiled)
    if (leave === undefined || (this.#troubles.length > 0 && !leave.whole)) return undefined
    const gaveUp: FleetHands['gaveUp'] = (...whom) => {
      this.#hasGivenUp = true
      this.#hands.gaveUp(...whom)
    }
    let relays: number | undefined
    await this.#tried(`making fleet ${fleet} smaller`, async () => {
      relays = await relaysForNow({ fleet, ...leave }, { ...this.#hands, gaveUp })
      this.#isShrinking = relays > leave.wanted
    })
    return relays
  }

  /**
   * Puts the finalizer on before there is anything that takes mail: from then on, a policy that is deleted waits for its
   * mail.
   */
  #keep(): Promise<boolean> {
    return this.#finalizer('putting the finalizer on', keep)
  }

  async #letGo(): Promise<boolean> {
    const policy = this.#policy()
    // While the garbage collector orphans what the policy owns, an owner reference that is put back would be removed again.
    if (policy !== undefined && isOrphaning(policy)) throw new Resting()
    const { fleet, owner, allOurs } = this.#secrets
    const all = [...allOurs, ...namedAfter(fleet, this.#hands.world.made(fleet))]
    let isReclaimed = false
    await this.#tried(`giving what fleet ${fleet} made its owner back`, async () => {
      await reclaim(all, owner, this.#hands.writing).catch(outdated)
      isReclaimed = true
    })
    return isReclaimed && (await this.#finalizer('taking the finalizer off', letGo))
  }

  /** Whether it is done. */
  async #finalizer(doing: string, change: typeof keep): Promise<boolean> {
    const policy = this.#policy()
    if (policy === undefined) return false
    let isDone = false
    await this.#tried(`${doing} RelayPolicy ${this.#secrets.fleet}`, async () => {
      if ((await change(policy, this.#hands.writing)) === 'outdated') throw new Outdated()
      isDone = true
    })
    return isDone
  }

  /** The policy that this fleet is made for; undefined where another one has its name by now. */
  #policy(): DeclaredObject | undefined {
    const { fleet, owner } = this.#secrets
    const policy = this.#hands.world.declaredAs(`RelayPolicy ${fleet}`)
    return policy?.uid === owner.reference.uid ? policy : undefined
  }

  #nudge(): void {
    const { world, writing, now } = this.#hands
    this.#nudges.push(nudgePods(this.#secrets.fleet, world.pods(this.#secrets.fleet), now(), writing))
  }

  #tell(trouble: string | undefined): void {
    if (trouble !== undefined) this.#troubles.push(trouble)
  }

  #tellNotOurs(name: string): boolean {
    const notOurs = this.#secrets.notOurs().get(name)
    const what = `Secret ${this.#secrets.owner.namespace}/${name}`
    if (notOurs !== undefined) this.#tell(notOurs === 'foreign' ? foreignTrouble(what) : leavingTrouble(what))
    return notOurs !== undefined
  }

  /** What is refused becomes a trouble, and the work goes on; what makes the work pointless ends it. */
  async #tried(doing: string, act: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      if (error instanceof Deposed || error instanceof Outdated) throw error
      if (isNamespaceLeaving(error)) throw new Resting()
      if (this.#hands.writing.signal.aborted) throw new Deposed('the operator ends')
      this.#tell(errorTrouble(doing, error))
    }
  }
}

function outdated(error: unknown): never {
  throw isConflict(error) || isNotFound(error) ? new Outdated() : error
}

const unknownTrouble = (what: string, why: string): string =>
  `the configuration in ${what} can not be read (${why}), and the policy is held, so nothing is written over it and no ` +
  'right is revoked; mend the policy, and all of it is written anew'
