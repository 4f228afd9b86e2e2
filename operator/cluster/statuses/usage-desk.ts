/** Asks every relay once a minute what its credentials have used, and keeps what they said, added up by credential. */
import type { RelayUsage } from '../../../relay/http.ts'
import type { Name } from '../../compile/snapshot.ts'
import { type UsageSaying, usageSaying, usedIn } from '../../usage.ts'
import type { RelayPod } from '../watch/relay-pod.ts'
import type { World } from '../watch/world.ts'
import type { AskUsage } from './ask-relay.ts'
import type { Reported } from './reported.ts'

type Desk = {
  readonly world: Pick<World, 'pods'>
  readonly ask: AskUsage
  readonly usageMs?: number
  /** There are new figures. */
  readonly changed: () => void
  readonly signal: AbortSignal
}

export type Usages = {
  /** What a status says of it; the same object while that is the same. Undefined: nobody knows yet. */
  readonly of: (credential: Name) => UsageSaying | undefined
  /** When to look again. */
  readonly at: number
}

type Round = { readonly startedAt: number; readonly said: ReadonlyMap<string, RelayUsage> | undefined }

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

  look({ limits, fleetOf }: Reported, now: number): Usages {
    const fleets = new Set([...limits.keys()].flatMap((name) => fleetOf.get(`RelayCredential ${name}`) ?? []))
    for (const fleet of this.#rounds.keys()) if (!fleets.has(fleet)) this.#rounds.delete(fleet)
    for (const fleet of fleets) this.#askWhenDue(fleet, now)
    this.#say(limits, fleetOf)
    const next = [...this.#rounds.values()].map(({ startedAt }) => startedAt + this.#everyMs)
    return { of: (credential) => this.#sayings.get(credential), at: Math.min(...next) }
  }

  forget(): void {
    this.#rounds.clear()
    this.#sayings = new Map()
    this.#restsOn = []
  }

  #askWhenDue(fleet: Name, now: number): void {
    const round = this.#rounds.get(fleet)
    if (round !== undefined && now - round.startedAt < this.#everyMs) return
    const asking: Round = { startedAt: now, said: round?.said }
    this.#rounds.set(fleet, asking)
    const pods = this.#desk.world.pods(fleet).filter(({ leaving }) => !leaving)
    void this.#ask(pods, round?.said).then((said) => {
      if (this.#rounds.get(fleet) !== asking) return
      this.#rounds.set(fleet, { ...asking, said })
      this.#desk.changed()
    })
  }

  /** Who does not answer is taken at its last word. One after the other: nobody waits for these figures. */
  async #ask(pods: readonly RelayPod[], before: Round['said']): Promise<Round['said']> {
    const { ask, signal } = this.#desk
    const said = new Map<string, RelayUsage>()
    for (const pod of pods) {
      const report = (await ask(pod, signal).catch(() => undefined)) ?? before?.get(pod.uid)
      if (report !== undefined) said.set(pod.uid, report)
    }
    return said.size > 0 || pods.length === 0 ? said : before
  }

  /** Made anew only for new figures or limits, and then what is the same stays the same object. */
  #say(limits: Reported['limits'], fleetOf: Reported['fleetOf']): void {
    const rests: readonly unknown[] = [limits, ...[...this.#rounds.values()].map(({ said }) => said)]
    if (rests.length === this.#restsOn.length && rests.every((r, i) => r === this.#restsOn[i])) return
    this.#restsOn = rests
    const used = new Map([...this.#rounds].map(([fleet, { said }]) => [fleet, said && usedIn([...said.values()])]))
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

const isSame = (a: UsageSaying, b: UsageSaying): boolean => JSON.stringify(a) === JSON.stringify(b)
