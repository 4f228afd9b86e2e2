/** Looks at the DNS records of every domain when it is due, a few domains at a time, and keeps what was found last. */
import { Dirty } from '../dirty.ts'
import { checkAgainMs, type WaitingKey } from '../lifecycle/check-again.ts'
import type { DomainChecks } from '../lifecycle/domain-checks.ts'
import type { DomainRecords } from '../lifecycle/domain-records.ts'
import { actsFrom, holdingBack } from '../lifecycle/record-conditions.ts'
import type { Ask } from './ask.ts'
import { observe } from './observe.ts'
import { resolversOf, type Server } from './server.ts'

export type Verifying = {
  readonly ask: Ask
  /** The resolvers for domains without spec.dns.resolvers. */
  readonly resolvers: () => readonly Server[]
  /** What an earlier operator found, for a domain at which this one has not looked yet. */
  readonly before: (name: string) => DomainRecords | undefined
  /** Called after each look at a domain; must only raise a flag. */
  readonly changed: () => void
  /** Called when a domain's mail begins or ceases to be held back, or for other records than before; must only raise a flag. */
  readonly turned: () => void
  /** The wall clock. */
  readonly now?: () => number
  /** In [0, 1). */
  readonly dice?: () => number
  /** Overrides spec.verifyEvery of all domains. */
  readonly everyMs?: number
}

/** What a look found, and when (milliseconds since the epoch). */
export type Look = {
  readonly found: DomainRecords
  readonly at: number
  /**
   * How much later than another look this one has to be, to count beside it: looks for the record of a new key are close to
   * each other. The first look at what is declared counts by itself.
   */
  readonly apartMs: number
}

type Entry = {
  /** Replaced where the questions are the same. */
  checks: DomainChecks
  before: DomainRecords | undefined
  /** No operator has looked at it yet. */
  isNew: boolean
  dueAt: number
  isBusy: boolean
  /** Edited while a look at it goes on: that look counts, and another one follows at once. */
  isEdited: boolean
  look: Look | undefined
  /** The records because of which mail was held back at the last look, as one text. */
  holding: string
}

/** How many looks go on at the same time: name servers that do not answer can hold up only these. */
const atOnce = 32
/** How often to check which domains are due. */
const pollMs = 1000

export class Verifier {
  readonly #verifying: Required<Omit<Verifying, 'everyMs'>> & Pick<Verifying, 'everyMs'>
  readonly #entries = new Map<string, Entry>()
  readonly #dirty = new Dirty()
  #busy = 0

  constructor(verifying: Verifying) {
    this.#verifying = { now: Date.now, dice: Math.random, ...verifying }
  }

  /** Replaces the set of domains to look at. */
  give(checks: ReadonlyMap<string, DomainChecks>): void {
    for (const name of this.#entries.keys()) if (!checks.has(name)) this.#entries.delete(name)
    for (const [name, its] of checks) {
      const known = this.#entries.get(name)
      if (known !== undefined && isSame(known.checks, its)) this.#waitFor(known, its)
      else if (known?.isBusy && asksTheSame(known.checks, its)) this.#edit(known, its)
      else this.#entries.set(name, this.#entryOf(name, its, known))
    }
    this.#dirty.mark()
  }

  look(name: string): Look | undefined {
    return this.#entries.get(name)?.look
  }

  /** Runs until the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#start(signal)
      await this.#dirty.nextWithin(pollMs, signal)
    }
  }

  #entryOf(name: string, checks: DomainChecks, known: Entry | undefined): Entry {
    const said = this.#verifying.before(name)
    const before = known?.look?.found ?? known?.before ?? said
    const dueAt = this.#verifying.now()
    const holding = holdingOf(before, checks, dueAt)
    const isNew = said === undefined && known === undefined
    return { checks, before, isNew, dueAt, isBusy: false, isEdited: false, look: undefined, holding }
  }

  /** The look that goes on is not begun anew: who is edited more often than a look takes would never be looked at. */
  #edit(entry: Entry, checks: DomainChecks): void {
    entry.checks = checks
    entry.before = entry.look?.found ?? entry.before
    entry.look = undefined
    entry.isEdited = true
    entry.holding = holdingOf(entry.before, checks, this.#verifying.now())
  }

  /** What was seen stays when a key begins to wait otherwise; only the next look is at another time. */
  #waitFor(entry: Entry, checks: DomainChecks): void {
    if (entry.checks === checks) return
    const isOther = JSON.stringify(entry.checks.waiting) !== JSON.stringify(checks.waiting)
    entry.checks = checks
    if (isOther && entry.look !== undefined) entry.dueAt = this.#nextAt(entry.look, checks)
  }

  #everyMs({ verifyEveryMs }: DomainChecks): number {
    return this.#verifying.everyMs ?? verifyEveryMs
  }

  #nextAt({ found, at }: Look, checks: DomainChecks): number {
    const { waiting, whenBroken } = checks
    const again = at + checkAgainMs(found, at, { everyMs: this.#everyMs(checks), waiting }, this.#verifying.dice())
    const acts = actsFrom(found, whenBroken)
    return acts !== undefined && acts > at ? Math.min(again, acts) : again
  }

  /**
   * Starts looks that are due: domains that were never looked at first, then those that have waited longest, so that many broken
   * domains never starve another.
   */
  #start(signal: AbortSignal): void {
    if (this.#busy >= atOnce) return
    const now = this.#verifying.now()
    const due = [...this.#entries].filter(([, entry]) => !entry.isBusy && isDue(entry, now))
    const first = due.toSorted(([, a], [, b]) => Number(b.isNew) - Number(a.isNew) || a.dueAt - b.dueAt)
    for (const [name, entry] of first.slice(0, atOnce - this.#busy)) void this.#look(name, entry, signal)
  }

  async #look(name: string, entry: Entry, signal: AbortSignal): Promise<void> {
    const { resolvers, changed, turned, now } = this.#verifying
    entry.isBusy = true
    entry.isEdited = false
    this.#busy += 1
    const before = entry.look?.found ?? entry.before
    const looked = {
      domain: entry.checks.domain,
      wanted: entry.checks.wanted,
      resolvers: resolversOf(entry.checks.resolvers, resolvers),
      before,
      awaited: new Set(entry.checks.waiting.filter(isUnseen).flatMap(({ names }) => names)),
    }
    const found = await observe(looked, { ...this.#verifying, signal })
    this.#busy -= 1
    entry.isBusy = false
    this.#dirty.mark()
    if (signal.aborted || this.#entries.get(name) !== entry) return
    const { checks } = entry
    const at = now()
    entry.look = { found, at, apartMs: entry.look === undefined ? 0 : this.#everyMs(checks) }
    entry.dueAt = entry.isEdited ? at : this.#nextAt(entry.look, checks)
    entry.isNew = false
    changed()
    const holding = holdingOf(found, checks, at)
    if (holding !== entry.holding) turned()
    entry.holding = holding
  }
}

/** A last look in the future means that the clock was set back since; then the domain is due, too. */
const isDue = ({ dueAt, look }: Entry, now: number): boolean => dueAt <= now || look === undefined || look.at > now

const isUnseen = ({ stage }: WaitingKey): boolean => stage === 'Pending'

/** Whether the same has to be looked at, whichever keys wait for it. */
const isSame = (a: DomainChecks, b: DomainChecks): boolean => a === b || textOf(a) === textOf(b)
const textOf = (checks: DomainChecks): string => JSON.stringify({ ...checks, waiting: [] })

/** Whether a look at one is a look at the other. */
const asksTheSame = (a: DomainChecks, b: DomainChecks): boolean => questionsOf(a) === questionsOf(b)
const questionsOf = ({ domain, wanted, resolvers }: DomainChecks): string => JSON.stringify([domain, wanted, resolvers])

const holdingOf = (before: DomainRecords | undefined, { whenBroken }: DomainChecks, now: number): string =>
  before === undefined ? '' : holdingBack(before, whenBroken, now).join()
