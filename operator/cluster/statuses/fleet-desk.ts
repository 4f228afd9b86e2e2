/**
 * Judges every fleet, turn by turn: which relays to ask, how the fleet stands, which pods to nudge. It remembers since when
 * things are so.
 */
import type { CompiledFleet } from '../../compile/compiled.ts'
import type { Name } from '../../compile/snapshot.ts'
import { began } from '../../lifecycle/began.ts'
import { afterLeaving, mayHoldMail, type SpoolRecord, spoolsIn, spoolsNow } from '../../spools.ts'
import type { Fleets } from '../fleets/fleets.ts'
import { isGivenUp, leaveOf, ordinalOf, ordinaryAvailability, shrinkingSince, standing } from '../fleets/leaving.ts'
import type { LoadedConfigs } from '../fleets/loaded-configs.ts'
import { standingStatus } from '../watch/standing-status.ts'
import type { World } from '../watch/world.ts'
import { awayBefore, awayNow } from './away.ts'
import { type FleetEvidence, serving } from './fleet-evidence.ts'
import { type FleetStanding, fleetStanding, nextMoment } from './fleet-standing.ts'
import type { AskedPod, Followed, Inquiry } from './inquiry.ts'
import { type KnownEntries, knownEntries } from './known-entries.ts'
import { Nudging } from './nudging.ts'
import { QueuedSample, sampleMs } from './queued-sample.ts'
import type { Reported } from './reported.ts'
import { leavers, stateOf } from './scaling-down.ts'

type Memory = {
  /** The uid of the policy: a policy that is made anew under the name has other relays. */
  readonly uid: string | undefined
  spools: readonly SpoolRecord[]
  readonly sample: QueuedSample
  /** The relays that may go, as `fleets.again` was last called for them. */
  mayGo: string
  noneReadySince: number | undefined
  away: FleetEvidence['away']
  standing: FleetStanding | undefined
  /**
   * The standing as text. While that is the same, `standing` stays the same object, and statuses that rest on it are not
   * looked at again.
   */
  text: string
  known: ReturnType<typeof knownEntries> | undefined
}

type Desk = {
  readonly world: Pick<World, 'pods' | 'knowsPods' | 'declaredAs' | 'made'>
  readonly fleets: Pick<Fleets, 'written' | 'had' | 'nudge' | 'again'>
  readonly inquiry: Inquiry
  /** Told which configuration all relays of a fleet report. */
  readonly loaded?: Pick<LoadedConfigs, 'note'>
}

export type Judged = {
  readonly standings: ReadonlyMap<Name, FleetStanding>
  /** For each fleet whose relays have something newer to load, the credentials that they all know nevertheless. */
  readonly known: ReadonlyMap<Name, KnownEntries>
  /** When to judge again, without any news. */
  readonly at: number
}

export class FleetDesk {
  readonly #desk: Desk
  readonly #memories = new Map<Name, Memory>()
  readonly #nudging = new Nudging()

  constructor(desk: Desk) {
    this.#desk = desk
  }

  judge({ compiled, hashes }: Reported, now: number): Judged {
    const { inquiry } = this.#desk
    for (const name of this.#memories.keys()) if (!compiled.fleets.has(name)) this.#memories.delete(name)
    inquiry.follow(new Map([...compiled.fleets.keys()].map((name) => [name, this.#followed(name)] as const)))
    const moments = [now + sampleMs]
    const known = new Map<Name, KnownEntries>()
    const standings = [...compiled.fleets].map(([name, fleet]) => {
      const evidence = this.#evidence(name, fleet, hashes.get(name), now)
      moments.push(this.#nudge(evidence), nextMoment(evidence))
      this.#tellWhoMayGo(evidence)
      const standing = this.#standing(evidence)
      if (standing.programmed.status !== 'True') known.set(name, this.#known(evidence))
      return [name, standing] as const
    })
    return { standings: new Map(standings), known, at: Math.min(...moments) }
  }

  forget(): void {
    this.#memories.clear()
    this.#desk.inquiry.stop()
  }

  #followed(name: Name): Followed {
    const { world, fleets } = this.#desk
    const isNew = !this.#memories.has(name)
    const lagsSince = isNew ? laggingSince(world.declaredAs(`RelayPolicy ${name}`)?.status) : undefined
    return { pods: world.pods(name), hash: fleets.written(name).hash, lagsSince }
  }

  #evidence(name: Name, fleet: CompiledFleet, hash: string | undefined, now: number): FleetEvidence {
    const { world, fleets, inquiry } = this.#desk
    const memory = this.#memory(name)
    const pods = inquiry.known(world.pods(name))
    // `serving`, since a relay that is to leave stays ready to the end and takes no mail.
    const anyReady = serving({ pods }).length > 0
    const knowsPods = world.knowsPods(name)
    memory.noneReadySince = anyReady || !knowsPods ? undefined : began(memory.noneReadySince, now)
    memory.sample.take(pods, now)
    const seen = pods.map(({ pod, report }) => ({ name: pod.name, id: report?.spoolId }))
    const leave = leaveOf(fleet)
    const replicas = leave?.wanted
    const status = world.declaredAs(`RelayPolicy ${name}`)?.status
    const { drainTimeoutMs, maxUnavailable } = fleet.kind === 'run' ? fleet.availability : ordinaryAvailability
    const since = shrinkingSince(status)
    const spools = spoolsNow(memory.spools, seen, fleet.acceptedSpools ?? [])
    memory.spools = spools.flatMap((spool) => {
      const asked = pods.find(({ pod }) => pod.name === spool.name)
      const isToLeave = leave !== undefined && ordinalOf(spool.name) >= leave.wanted
      const givenUp = isToLeave && isGivenUp(leave, asked?.pod.drainSince ?? since, now)
      return asked?.report?.drain === 'Drained' || givenUp ? afterLeaving(spool) : [spool]
    })
    if (knowsPods) memory.away = awayNow(memory.away, memory.spools, pods, now)
    const written = fleets.written(name)
    const isStopped = knowsPods && pods.length === 0 && fleet.kind === 'run' && fleet.replicas === 0
    this.#desk.loaded?.note(name, isStopped ? written.hash : loadedBy(pods))
    return {
      fleet: name,
      wanted: hash ?? written.hash,
      written,
      replicas,
      leaving: fleet.leaving === true,
      standing: standing(world.made(name), memory.spools, replicas ?? 0),
      maxUnavailable,
      drainTimeoutMs,
      suspended: fleet.config?.suspended ?? false,
      maxAgeMs: fleet.config?.queue.maxAgeMs ?? Number.POSITIVE_INFINITY,
      pods,
      knowsPods,
      spools: memory.spools,
      away: memory.away,
      noneReadySince: memory.noneReadySince,
      now,
    }
  }

  #standing(evidence: FleetEvidence): FleetStanding {
    const memory = this.#memory(evidence.fleet)
    const standing = fleetStanding(evidence, (uid) => memory.sample.of(uid), memory.standing)
    const text = JSON.stringify(standing)
    if (memory.standing === undefined || text !== memory.text) {
      memory.text = text
      memory.standing = standing
    }
    return memory.standing
  }

  #known(evidence: FleetEvidence): KnownEntries {
    const { fleet } = evidence
    const memory = this.#memory(fleet)
    memory.known = knownEntries(evidence, (hash) => this.#desk.fleets.had(fleet, hash), memory.known)
    return memory.known.is
  }

  #memory(name: Name): Memory {
    const known = this.#memories.get(name)
    const { uid, status } = this.#desk.world.declaredAs(`RelayPolicy ${name}`) ?? {}
    if (known !== undefined && (uid === undefined || uid === known.uid)) return known
    const spools = spoolsIn(status)
    const sample = new QueuedSample()
    const fresh = {
      uid,
      spools,
      sample,
      mayGo: '',
      noneReadySince: undefined,
      away: awayBefore(spools, standingStatus(status)),
      standing: undefined,
      text: '',
      known: undefined,
    }
    this.#memories.set(name, fresh)
    return fresh
  }

  /**
   * Has a fleet worked on again when a relay may go. As long as the status says that a relay may hold mail, it may not: see
   * `shrinking.ts`.
   */
  #tellWhoMayGo(evidence: FleetEvidence): void {
    const memory = this.#memory(evidence.fleet)
    const { status } = this.#desk.world.declaredAs(`RelayPolicy ${evidence.fleet}`) ?? {}
    const counted = mayHoldMail(spoolsIn(status))
    const free = leavers(evidence).filter(({ name }) => !counted.includes(name))
    const mayGo = free.map((leaver) => `${leaver.name} ${stateOf(leaver)}`).join()
    if (mayGo !== '' && mayGo !== memory.mayGo) this.#desk.fleets.again()
    memory.mayGo = mayGo
  }

  #nudge({ fleet, pods, now }: FleetEvidence): number {
    const due = this.#nudging.due(fleet, pods, now)
    // A nudge that fails is repeated in the next round.
    if (due.pods.length > 0) void this.#desk.fleets.nudge(fleet, due.pods).catch(() => undefined)
    return due.at ?? Number.POSITIVE_INFINITY
  }
}

/**
 * The configuration that all relays report. Those that take no mail count too, since they deliver and sign. Undefined where
 * they differ, or where one still uses a key of the configuration before.
 */
function loadedBy(pods: readonly AskedPod[]): string | undefined {
  const hashes = new Set(pods.map(({ report }) => (report?.leaving === 0 ? report.hash : undefined)))
  const [hash] = hashes
  return hashes.size === 1 ? hash : undefined
}

const lagReasons = ['NotLoaded', 'NoAnswer', 'Lagging']

/** Since when a fleet has lagged by its status: all that a new operator knows of it. */
function laggingSince(status: Readonly<Record<string, unknown>> | undefined): number | undefined {
  const programmed = standingStatus(status).conditions.find(({ type }) => type === 'Programmed')
  if (programmed === undefined || !lagReasons.includes(programmed.reason)) return undefined
  const since = Date.parse(programmed.lastTransitionTime)
  return Number.isNaN(since) ? undefined : since
}
