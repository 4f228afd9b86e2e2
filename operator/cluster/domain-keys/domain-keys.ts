/**
 * Looks at the signing keys of each SenderDomain, in turns and when something has changed; makes them, follows them and
 * erases them in time.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Backoff } from '../../backoff.ts'
import { signingKeyFile } from '../../compile/signing.ts'
import { type Name, namespaceOf, type Ref } from '../../compile/snapshot.ts'
import type { Dirty } from '../../dirty.ts'
import type { Look } from '../../dns/verifier.ts'
import type { DkimKey, HeldKey } from '../../lifecycle/dkim-key.ts'
import type { KeySighting } from '../../lifecycle/dkim-line-facts.ts'
import type { DomainKeys } from '../../lifecycle/domain-keys.ts'
import { keyRecordIn } from '../../lifecycle/key-record.ts'
import { recordedDkimKeys } from '../../lifecycle/recorded-dkim-keys.ts'
import type { Api } from '../api/api.ts'
import { rest } from '../api/rest.ts'
import type { DeclaredObject } from '../watch/declared.ts'
import type { World } from '../watch/world.ts'
import { Deposed, Leaving, type Writing } from '../write/apply.ts'
import { openLanes } from '../write/lanes.ts'
import { Permits } from '../write/permits.ts'
import { lasts, patienceMs, whyOf } from '../write/refused.ts'
import { type DomainEntry, entriesOf } from './domain-entry.ts'
import { type DomainSights, lookAtKeys, pemsOf } from './domain-look.ts'
import { keyTroubles } from './key-troubles.ts'

export type DomainKeyring = {
  /** What is declared from now on; returns at once. */
  give(declared: readonly DeclaredObject[]): void
  /** By SenderDomain, for all that have keys; for one that was not looked at yet, what its status tells. */
  known(): ReadonlyMap<Name, DomainKeys>
  /**
   * A private key in PEM, by the file in which relays find it; undefined where it is not at hand. It is read when it is asked
   * for, and not remembered.
   * @throws ApiError for trouble that passes
   */
  pem(senderDomain: Name, keyFile: string, signal: AbortSignal): Promise<string | undefined>
  run(signal: AbortSignal): Promise<void>
}

/** What the fleets know of the use of signing keys. */
export type Signers = {
  inUse(keyFile: string): KeySighting['inUse']
  /** How long relays keep mail at most, in milliseconds. */
  readonly expireAfterMs: number
}

export type Keyholder = {
  readonly api: Api
  readonly world: Pick<World, 'declaredAs'>
  /** Asked before each write. */
  readonly mayWrite: () => boolean
  /** Marked when there are other keys than before. */
  readonly dirty: Pick<Dirty, 'mark'>
  /** What was seen when the records of the domain were last looked at. */
  readonly look: (name: Name) => Look | undefined
  readonly signers: () => Signers
  /** The wall clock. */
  readonly now?: () => number
  readonly turns?: { readonly everyMs: number; readonly pauseMs: number }
  readonly backoff?: Backoff
  readonly took?: (ms: number) => void
  /** Called with what failed, and is tried again. */
  readonly tell?: (name: Name, why: string) => void
}

const ordinaryTurns = { everyMs: 30_000, pauseMs: 200 }
const ordinaryBackoff: Backoff = { firstMs: 500, longestMs: 120_000 }
/** How long to wait for what is under way in the end; it is given up, and so ends soon. */
const restMs = 5000

export const openDomainKeys = (keyholder: Keyholder): DomainKeyring => new DomainKeyDesk(keyholder)

class DomainKeyDesk implements DomainKeyring {
  readonly #keyholder: Keyholder
  readonly #turns: NonNullable<Keyholder['turns']>
  readonly #now: () => number
  readonly #ending = new AbortController()
  readonly #writing: Writing
  readonly #permits = new Permits()
  /** When each is to be looked at even without news, by the monotonic clock; the next one comes first. */
  readonly #order = new Map<Name, number>()
  readonly #lanes
  /** What was known of the records when the keys of each were looked at last. */
  readonly #looks = new Map<Name, Look | undefined>()
  #entries: ReadonlyMap<Name, DomainEntry> = new Map()

  constructor(keyholder: Keyholder) {
    const { api, mayWrite, took, backoff = ordinaryBackoff, turns = ordinaryTurns, now = Date.now } = keyholder
    this.#keyholder = keyholder
    this.#turns = turns
    this.#now = now
    this.#writing = { api, mayWrite, signal: this.#ending.signal }
    const work = (name: string): Promise<void> =>
      this.#permits.during(namespaceOf(name as Name), () => this.#look(name as Name))
    this.#lanes = openLanes<void>({
      work,
      failed: (name, error, ms) => this.#failed(name as Name, error, ms),
      backoff,
      took,
    })
  }

  give(declared: readonly DeclaredObject[]): void {
    const before = this.#entries
    this.#entries = entriesOf(declared, before)
    for (const name of this.#order.keys()) if (!this.#entries.has(name)) this.#forget(name)
    for (const [name, entry] of this.#entries) if (before.get(name) !== entry) this.#lookSoon(name)
  }

  known(): ReadonlyMap<Name, DomainKeys> {
    return new Map([...this.#entries].map(([name, { known }]) => [name, known]))
  }

  async pem(senderDomain: Name, keyFile: string, signal: AbortSignal): Promise<string | undefined> {
    const entry = this.#entries.get(senderDomain)
    if (entry === undefined || entry.isHeld) return undefined
    const pems = await pemsOf(entry, this.#sights(entry), { ...this.#writing, signal })
    return pems.find((key) => signingKeyFile(senderDomain, key) === keyFile)?.pem
  }

  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#ending.abort(), { once: true })
    while (!signal.aborted) {
      await rest(this.#turns.pauseMs, signal)
      if (!signal.aborted) this.#takeTurn()
    }
    this.#lanes.close()
    await this.#lanes.rest(restMs)
  }

  #forget(name: Name): void {
    this.#order.delete(name)
    this.#looks.delete(name)
  }

  #lookSoon(name: Name): void {
    this.#order.delete(name)
    this.#order.set(name, performance.now() + this.#turns.everyMs)
    this.#lanes.give(name, undefined, 'look')
  }

  /** Looks at those of which there is news, and at the one that has waited longest, if it is due. */
  #takeTurn(): void {
    for (const [name, entry] of this.#entries) if (this.#hasNews(name, entry)) this.#lookSoon(name)
    const [next] = this.#order
    if (next !== undefined && next[1] <= performance.now()) this.#lookSoon(next[0])
  }

  #hasNews(name: Name, entry: DomainEntry): boolean {
    const recorded = this.#statusOf(name)['dkimKeys']
    if (recorded !== entry.recorded && !isDeepStrictEqual(recorded, entry.recorded)) return true
    const waits = entry.known.keys.some(({ stage }) => stage === 'Pending' || stage === 'Published')
    return waits && this.#keyholder.look(name) !== this.#looks.get(name)
  }

  #statusOf(name: Name): Readonly<Record<string, unknown>> {
    return this.#keyholder.world.declaredAs(`SenderDomain ${name}` as Ref)?.status ?? {}
  }

  async #look(name: Name): Promise<void> {
    const entry = this.#entries.get(name)
    if (entry === undefined || entry.isHeld) return
    const sights = this.#sights(entry)
    this.#looks.set(name, this.#keyholder.look(name))
    entry.recorded = this.#statusOf(name)['dkimKeys']
    const known = await lookAtKeys(entry, sights, this.#writing)
    if (this.#entries.get(name) !== entry || isDeepStrictEqual(known, entry.known)) return
    entry.known = known
    this.#keyholder.dirty.mark()
  }

  #sights({ name, domain }: DomainEntry): DomainSights {
    const { look, signers } = this.#keyholder
    const [seen, fleets] = [look(name), signers()]
    return {
      recorded: recordedDkimKeys(this.#statusOf(name)),
      recordOf: (key: HeldKey | DkimKey) => (seen === undefined ? undefined : keyRecordIn(domain, key, seen)),
      inUse: (key: HeldKey) => fleets.inUse(signingKeyFile(name, key)),
      expireAfterMs: fleets.expireAfterMs,
      now: this.#now(),
    }
  }

  #failed(name: Name, error: unknown, waitMs: number): void {
    if (this.#ending.signal.aborted || error instanceof Deposed) return
    const why = whyOf(error)
    this.#keyholder.tell?.(name, why)
    const entry = this.#entries.get(name)
    const passes = error instanceof Leaving ? waitMs < patienceMs : !lasts(error, waitMs)
    if (entry === undefined || passes) return
    const others = entry.known.found.filter(({ type }) => type !== 'ResolvedRefs')
    const known = { ...entry.known, found: [keyTroubles.refused(why), ...others] }
    if (isDeepStrictEqual(known, entry.known)) return
    entry.known = known
    this.#keyholder.dirty.mark()
  }
}
