/** Decides, turn by turn, which statuses are written; an object of which nothing has changed costs one comparison. */
import type { Condition, Status } from '../../compile/compiled.ts'
import { isOf, type Name, nameIn, type Ref } from '../../compile/snapshot.ts'
import type { Look, Verifier } from '../../dns/verifier.ts'
import { type KeySaying, keySaying } from '../../key-saying.ts'
import type { FleetUses, KnownUses } from '../../known-uses.ts'
import { began } from '../../lifecycle/began.ts'
import type { DomainChecks } from '../../lifecycle/domain-checks.ts'
import type { Key } from '../../lifecycle/keys.ts'
import { toTheSecond } from '../../lifecycle/to-the-second.ts'
import { observedStatus, type StampedStatus } from '../../observed-status.ts'
import { recordsSaying } from '../../records-saying.ts'
import type { Standing } from '../../standing.ts'
import { type UsageSaying, usageBefore } from '../../usage.ts'
import type { KubeObject } from '../api/object.ts'
import { isOlder } from '../api/resource-version.ts'
import type { Bindings } from '../bindings/bindings.ts'
import type { Occasion } from '../events/event-series.ts'
import type { Publisher } from '../publishing/publisher.ts'
import type { DeclaredObject } from '../watch/declared.ts'
import { standingStatus } from '../watch/standing-status.ts'
import type { World } from '../watch/world.ts'
import type { Judged } from './fleet-desk.ts'
import type { FleetStanding } from './fleet-standing.ts'
import { patienceMs } from './programmed.ts'
import type { Reported } from './reported.ts'
import { sameJson } from './same-json.ts'
import { sameStatus } from './same-status.ts'
import { type Saying, sameOutline, sayingOf } from './saying.ts'
import { statusOccasions } from './status-occasions.ts'
import type { StatusJob, StatusWriter } from './status-writer.ts'
import type { Usages } from './usage-desk.ts'
import { WritePace } from './write-pace.ts'

type Stands = DeclaredObject['status']

type Known = {
  readonly uid: string
  /** The last write: what was written, and the resourceVersion and the status that the object had after it. */
  wrote: { readonly said: StampedStatus; readonly version: string; readonly stands: Stands } | undefined
  /** Since when the status has not been as it should be; milliseconds since the epoch. */
  differsSince: number | undefined
  /** All that the last decision rested on; undefined where the decision has to be made again. */
  rests: readonly unknown[] | undefined
  /** What is said of its keys, which counts while all that it rests on is the same, until its time is over. */
  keys: KnownKeys | undefined
  /** The conditions before the write that is under way, for Events to tell what turned. */
  before: readonly Condition[]
  readonly pace: WritePace
}

type KnownKeys = {
  readonly status: Status
  readonly stands: Stands
  readonly uses: FleetUses
  readonly until: number
  readonly saying: KeySaying
}

type Desk = {
  readonly world: Pick<World, 'declaredAs'>
  readonly bindings: Pick<Bindings, 'troubles'>
  readonly records: Pick<Verifier, 'look'>
  readonly publisher: Pick<Publisher, 'troubles'>
  readonly keyUses: Pick<KnownUses, 'of' | 'heard'>
  readonly writer: Pick<StatusWriter, 'give' | 'drop'>
  readonly record: (occasion: Occasion) => void
  readonly failed?: ((ref: Ref, error: unknown) => void) | undefined
}

type Turn = {
  readonly reported: Reported
  readonly standings: ReadonlyMap<Name, FleetStanding>
  readonly known: Judged['known']
  readonly usages: Usages
  readonly now: number
  /** `now` as it is written into a status. */
  readonly time: string
}

export class StatusDesk {
  readonly #desk: Desk
  readonly #known = new Map<Ref, Known>()

  constructor(desk: Desk) {
    this.#desk = desk
  }

  /** One turn over all objects; returns when the next is due without any news; milliseconds since the epoch. */
  report(given: Omit<Turn, 'time'>): number {
    const turn: Turn = { ...given, time: toTheSecond(given.now) }
    const { compiled, expiredAt } = turn.reported
    const { findings, next } = expiredAt(turn.now)
    const troubles = this.#desk.bindings.troubles()
    const unpublished = this.#desk.publisher.troubles()
    for (const ref of this.#known.keys()) if (!compiled.statuses.has(ref)) this.#forget(ref)
    let at = next
    for (const [ref, status] of compiled.statuses) {
      const ours = troublesOf(ref, troubles, unpublished)
      const trouble = ours === undefined || ours.size === 0 ? undefined : ours.get(nameIn(ref))
      at = Math.min(at, this.#look(ref, status, findings.get(ref), trouble, turn))
    }
    return at
  }

  forget(): void {
    for (const ref of [...this.#known.keys()]) this.#forget(ref)
  }

  written(job: StatusJob, object: KubeObject): void {
    const known = this.#known.get(job.ref)
    if (known?.uid !== job.uid) return
    const stands = (object['status'] ?? {}) as Stands
    known.wrote = { said: job.status, version: object.metadata.resourceVersion ?? '', stands }
    known.differsSince = undefined
    known.rests = undefined
    const turned = { before: known.before, after: job.status.conditions }
    for (const occasion of statusOccasions(job.ref, job.uid, turned)) this.#desk.record(occasion)
  }

  /** Takes note that a status was not written, so that it is looked at anew. */
  gone({ ref, uid }: StatusJob): void {
    const known = this.#known.get(ref)
    if (known?.uid === uid) known.rests = undefined
  }

  #forget(ref: Ref): void {
    this.#desk.writer.drop(ref)
    this.#known.delete(ref)
  }

  #look(ref: Ref, status: Status, finding: Condition | undefined, trouble: Condition | undefined, turn: Turn): number {
    const declared = this.#desk.world.declaredAs(ref)
    // What was compiled from one object is not said of another one that has its name by now.
    if (declared === undefined || declared.uid !== turn.reported.uids.get(ref)) {
      if (this.#known.has(ref)) this.#forget(ref)
      return Number.POSITIVE_INFINITY
    }
    const known = this.#knownOf(ref, declared.uid)
    const fleet = turn.reported.fleetOf.get(ref)
    const standing = fleet === undefined ? undefined : turn.standings.get(fleet)
    const stands = standsNow(declared, known)
    const { limits } = turn.reported
    const isLimited = limits.size > 0 && isOf(ref, 'RelayCredential') && limits.has(nameIn(ref))
    const usage = isLimited ? (turn.usages.of(nameIn(ref)) ?? 'unknown') : undefined
    const checks = isOf(ref, 'SenderDomain') ? turn.reported.compiled.domainChecks.get(nameIn(ref)) : undefined
    const look = checks && this.#desk.records.look(nameIn(ref))
    const keys = this.#keys(ref, fleet, status, known, stands, turn)
    const isKnown = fleet !== undefined && isKnownTo(fleet, ref, turn)
    const rests = [status, standing, stands, usage, checks, look, keys, finding, trouble, isKnown]
    const until = known.keys?.until ?? Number.POSITIVE_INFINITY
    if (known.rests?.every((r, i) => r === rests[i])) return until
    const found = [finding, trouble].filter((c) => c !== undefined).filter((c) => isNews(c, status))
    const again = this.#decide(ref, known, {
      ...turn,
      status,
      fleet,
      standing,
      isKnown,
      stands,
      isHeard: stands === declared.status,
      found,
      usage,
      checks,
      look,
      keys,
      rests,
    })
    return Math.min(again, until)
  }

  /**
   * What to say of the keys of a credential. It changes with time, once a minute at most, and stays the same object while it
   * says the same.
   */
  #keys(ref: Ref, fleet: Name | undefined, status: Status, known: Known, stands: Stands, turn: Turn) {
    const keys = status['keys'] as readonly Key[] | undefined
    if (keys === undefined || keys.length === 0 || fleet === undefined || !isOf(ref, 'RelayCredential')) {
      known.keys = undefined
      return undefined
    }
    const { keyUses } = this.#desk
    const uses = keyUses.of(fleet)
    const before = known.keys
    // The rotation, which `keySaying` takes from what was compiled, is another object only where the compiled status is, too.
    const isSame = before?.status === status && before.stands === stands && before.uses === uses
    if (isSame && turn.now < before.until) return before.saying
    const name = nameIn(ref)
    const { rotation } = turn.reported.compiled.bindings.get(name) ?? {}
    const saying = keySaying(keys, rotation, keyUses.heard(fleet, name), turn.now)
    const until = saying.condition === undefined ? Number.POSITIVE_INFINITY : turn.now + minuteMs
    const saysSame = before !== undefined && sameJson(before.saying, saying)
    known.keys = { status, stands, uses, until, saying: saysSame ? before.saying : saying }
    return known.keys.saying
  }

  #decide(ref: Ref, known: Known, facts: Facts): number {
    const before = standingStatus(facts.stands)
    const saying = sayingOf(ref, facts, before)
    const said = statusBy(ref, saying, facts, before)
    if (isSaid(said, facts.stands, known)) {
      known.differsSince = undefined
      known.rests = facts.rests
      known.before = []
      // The cluster has told of the status as it was written, so the copy may go: ten thousand statuses need not be kept
      // twice.
      if (facts.isHeard && sameStatus(said, facts.stands)) known.wrote = undefined
      this.#desk.writer.drop(ref)
      return Number.POSITIVE_INFINITY
    }
    known.rests = undefined
    known.differsSince = began(known.differsSince, facts.now)
    if (saying.waits === 'long') return Number.POSITIVE_INFINITY
    const brief = saying.waits === 'briefly' || sameOutline(said, before)
    const due = known.differsSince + (brief ? patienceMs : 0)
    if (facts.now < due) return due
    const heldUntil = known.pace.heldUntil(facts.now, (why) => this.#desk.failed?.(ref, why))
    if (heldUntil !== undefined) return heldUntil
    known.rests = facts.rests
    known.before = before.conditions
    this.#desk.writer.give({ ref, uid: known.uid, status: said })
    return Number.POSITIVE_INFINITY
  }

  #knownOf(ref: Ref, uid: string): Known {
    const known = this.#known.get(ref)
    if (known?.uid === uid) return known
    const fresh: Known = {
      uid,
      wrote: undefined,
      differsSince: undefined,
      rests: undefined,
      keys: undefined,
      before: [],
      pace: new WritePace(),
    }
    if (known !== undefined) this.#desk.writer.drop(ref)
    this.#known.set(ref, fresh)
    return fresh
  }
}

type Facts = Pick<Turn, 'now' | 'time'> & {
  readonly status: Status
  readonly fleet: Name | undefined
  readonly standing: FleetStanding | undefined
  /** All relays know it as it was compiled, though their fleet has something newer to load. */
  readonly isKnown: boolean
  readonly stands: Stands
  /** Whether `stands` is what the cluster told, and not what our own write left. */
  readonly isHeard: boolean
  readonly found: readonly Condition[]
  /** What is used of its limits; `unknown`: what was said before stays. */
  readonly usage: UsageSaying | 'unknown' | undefined
  /** The records that the domain has to have; undefined where there are none. */
  readonly checks: DomainChecks | undefined
  /** How they were when they were last looked at; undefined: nobody has looked yet. */
  readonly look: Look | undefined
  readonly keys: KeySaying | undefined
  readonly rests: readonly unknown[]
}

/** How often it is said anew of a rotation how far it is. */
const minuteMs = 60_000

type Troubles = ReadonlyMap<Name, Condition>

function troublesOf(ref: Ref, ofCredentials: Troubles, ofDomains: Troubles): Troubles | undefined {
  if (isOf(ref, 'RelayCredential')) return ofCredentials
  return isOf(ref, 'SenderDomain') ? ofDomains : undefined
}

/** The status as the watch told of it; or as our own write left it, where the watch is not as far yet. */
const standsNow = ({ resourceVersion, status }: DeclaredObject, { wrote }: Known): Stands =>
  wrote !== undefined && isOlder(resourceVersion, wrote.version) ? wrote.stands : status

function statusBy(ref: Ref, { by }: Saying, facts: Facts, before: StampedStatus): StampedStatus {
  const { fields = {}, condition } = facts.usage === 'unknown' ? usageBefore(before) : (facts.usage ?? {})
  const records = facts.checks && recordsSaying(facts.checks, facts.look, before)
  const evidence = {
    fleet: by === 'compiled' ? undefined : facts.fleet,
    standing: by === 'evidence' ? facts.standing : by === 'known' ? knowing : undefined,
    // What keeps records from being published goes before how they are.
    found: [records?.conditions ?? [], facts.found, condition ?? [], facts.keys?.condition ?? []].flat(),
    fields: { ...fields, ...records?.fields, ...facts.keys?.fields },
  }
  return observedStatus(ref, facts.status, evidence, before, facts.time)
}

const knowing: Standing = {
  settled: true,
  programmed: { type: 'Programmed', status: 'True', reason: 'Programmed', message: '' },
  further: [],
  fields: {},
}

function isKnownTo(fleet: Name, ref: Ref, { known, reported }: Pick<Turn, 'known' | 'reported'>): boolean {
  const entries = known.get(fleet)
  if (entries === undefined || entries.size === 0 || !isOf(ref, 'RelayCredential')) return false
  const entry = reported.entryOf(fleet, nameIn(ref))
  return entry !== undefined && entries.has(entry)
}

/**
 * Whether the status says so already; or is what the API server made of our writing just that, since others may own fields in
 * it, too.
 */
const isSaid = (said: StampedStatus, stands: Stands, { wrote }: Known): boolean =>
  sameStatus(said, stands) || (wrote !== undefined && sameJson(said, wrote.said) && sameJson(stands, wrote.stands))

/** Whether the compiled status does not say already that this condition is False: what compile found wrong goes first. */
const isNews = (condition: Condition, { conditions }: Status): boolean =>
  !conditions.some(({ type, status }) => type === condition.type && status === 'False')
