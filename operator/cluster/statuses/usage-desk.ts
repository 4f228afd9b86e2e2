/** Asks every relay once a minute what its credentials have used, limits and keys, and keeps what they said. */

import type { Name } from '../../compile/snapshot.ts'
import type { KnownUses } from '../../known-uses.ts'
import { type UsageSaying, usageSaying, usedIn } from '../../usage.ts'
import type { RelayPod } from '../watch/relay-pod.ts'
import type { World } from '../watch/world.ts'
import type { AskUsage } from './ask-relay.ts'
import type { Reported } from './reported.ts'
import type { UsageReport } from './usage-report.ts'

type Desk = {
  readonly world: Pick<World, 'pods' | 'knowsPods'>
  readonly keyUses: Pick<KnownUses, 'take' | 'keepOnly'>
  readonly ask: AskUsage
  readonly usageMs?: number
  /** There are new figures. */
  readonly changed: () => void
  readonly signal: AbortSignal
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export type Usages = {
  /**
   * What a status says of the limits of a credential: the same object while it says the same; undefined: nothing is known
   * yet.
   */
  readonly of: (credential: Name) => UsageSaying | undefined
  /** When to look again; milliseconds since the epoch. */
  readonly at: number
}

type Said = { readonly report: UsageReport; readonly askedAt: number }
/** By the uid of the pod. */
type Answers = ReadonlyMap<string, Said>
type Round = { readonly startedAt: number; readonly said: Answers | undefined }

const minuteMs = 60_000

export class UsageDesk {
  readonly #desk: Desk
  readonly #rounds = new Map<Name, Round>()
  #sayings: ReadonlyMap<Name, UsageSaying> = new Map()
  #restsOn: readonly unknown[] = []

  readonly #everyMs: number

  constructor(desk: Desk) {
    this.#desk = desk
    this.#everyMs = desk.usageMs ?? minuteMs
  }

  look(reported: Reported, now: number): Usages {
    const { limits, fleetOf, compiled } = reported
    for (const fleet of this.#rounds.keys()) if (!compiled.fleets.has(fleet)) this.#rounds.delete(fleet)
    this.#desk.keyUses.keepOnly(compiled.fleets)
    for (const fleet of compiled.fleets.keys()) this.#askWhenDue(fleet, reported, now)
    this.#say(limits, fleetOf)
    const next = [...this.#rounds.values()].map(({ startedAt }) => startedAt + this.#everyMs)
    return { of: (credential) => this.#sayings.get(credential), at: Math.min(...next) }
  }

  forget(): void {
    this.#rounds.clear()
    this.#desk.keyUses.keepOnly(new Map())
    this.#sayings = new Map()
    this.#restsOn = []
  }

  #askWhenDue(fleet: Name, { compiled }: Reported, now: number): void {
    const round = this.#rounds.get(fleet)
    // `abs`, since after a clock was set back no relay would be asked for long.
    if (round !== undefined && Math.abs(now - round.startedAt) < this.#everyMs) return
    const asking: Round = { startedAt: now, said: round?.said }
    this.#rounds.set(fleet, asking)
    const pods = this.#desk.world.pods(fleet).filter(({ leaving }) => !leaving)
    const knowsPods = this.#desk.world.knowsPods(fleet)
    void this.#ask(pods, round?.said).then((said) => {
      if (this.#rounds.get(fleet) !== asking) return
      this.#rounds.set(fleet, { ...asking, said })
      const told = [...(said?.values() ?? [])].flatMap(({ report, askedAt }) =>
        report.keys === undefined ? [] : [{ askedAt, usage: report.keys }],
      )
      const upTo = knowsPods ? toldUpTo(pods, said, now) : undefined
      this.#desk.keyUses.take(fleet, told, upTo, compiled.fleets.get(fleet)?.config)
      this.#desk.changed()
    })
  }

  /**
   * For a relay that does not answer, its last answer counts. One is asked after the other, since nobody waits for these
   * figures.
   */
  async #ask(pods: readonly RelayPod[], before: Round['said']): Promise<Round['said']> {
    const { ask, signal, now } = this.#desk
    const said = new Map<string, Said>()
    for (const pod of pods) {
      const askedAt = now()
      const report = await ask(pod, signal).catch(() => undefined)
      const known = report === undefined ? before?.get(pod.uid) : { report, askedAt }
      if (known !== undefined) said.set(pod.uid, known)
    }
    return said.size > 0 || pods.length === 0 ? said : before
  }

  /** Derives what is said anew only for new figures or limits; what says the same stays the same object. */
  #say(limits: Reported['limits'], fleetOf: Reported['fleetOf']): void {
    const rests: readonly unknown[] = [limits, ...[...this.#rounds.values()].map(({ said }) => said)]
    if (rests.length === this.#restsOn.length && rests.every((r, i) => r === this.#restsOn[i])) return
    this.#restsOn = rests
    const used = new Map(
      [...this.#rounds].map(([fleet, { said }]) => [fleet, said && usedIn([...said.values()].map((s) => s.report))]),
    )
    const sayings = [...limits].flatMap(([name, its]): readonly (readonly [Name, UsageSaying])[] => {
      const fleet = fleetOf.get(`RelayCredential ${name}`)
      const ofFleet = fleet && used.get(fleet)
      if (ofFleet === undefined) return []
      const saying = usageSaying(its, ofFleet.get(name))
      const before = this.#sayings.get(name)
      return [[name, before !== undefined && isSame(before, saying) ? before : saying]]
    })
    this.#sayings = new Map(sayings)
  }
}

/**
 * Up to when every relay that takes mail has told of the use of keys, in milliseconds since the epoch; undefined where one
 * has not. Where no relay takes mail, nobody uses a key, so that is now.
 */
function toldUpTo(pods: readonly RelayPod[], said: Answers | undefined, now: number): number | undefined {
  const times = pods
    .filter(({ ready }) => ready)
    .map(({ uid }) => {
      const its = said?.get(uid)
      return its?.report.keys === undefined ? undefined : its.askedAt
    })
  return times.includes(undefined) ? undefined : Math.min(now, ...times.filter((t) => t !== undefined))
}

const isSame = (a: UsageSaying, b: UsageSaying): boolean => JSON.stringify(a) === JSON.stringify(b)
