/** Looks at the records of every domain, each when it is due, a few at one time; what was found is there to be read. */
import { Dirty } from '../dirty.ts'
import { checkAgainMs } from '../lifecycle/check-again.ts'
import type { DomainChecks } from '../lifecycle/domain-checks.ts'
import type { DomainRecords } from '../lifecycle/domain-records.ts'
import { actsFrom, holdingBack } from '../lifecycle/record-conditions.ts'
import type { Ask } from './ask.ts'
import { observe } from './observe.ts'
import { type Server, serverIn } from './server.ts'

export type Verifying = {
  readonly ask: Ask
  /** For domains that name none. */
  readonly resolvers: () => readonly Server[]
  /** What is known of a domain that was not looked at yet. */
  readonly before: (name: string) => DomainRecords | undefined
  /** A domain was looked at; only to raise a flag. */
  readonly changed: () => void
  /** Mail of a domain is held back for its records from now on, or for others, or no more; only to raise a flag. */
  readonly turned: () => void
  /** The wall clock. */
  readonly now?: () => number
  /** In [0, 1). */
  readonly dice?: () => number
  /** Instead of what the domains say. */
  readonly everyMs?: number
}

/** How a look ended, and when. */
export type Look = { readonly found: DomainRecords; readonly at: number }

type Entry = {
  readonly checks: DomainChecks
  readonly before: DomainRecords | undefined
  /** Nobody has looked at it yet. */
  isNew: boolean
  dueAt: number
  isBusy: boolean
  look: Look | undefined
  /** The records for which mail was held back at the last look. */
  holding: string
}

/** Silent name servers hold up this many looks, and not all. */
const atOnce = 32
/** How late a look may begin that nobody has asked for. */
const pollMs = 1000

export class Verifier {
  readonly #verifying: Required<Omit<Verifying, 'everyMs'>> & Pick<Verifying, 'everyMs'>
  readonly #entries = new Map<string, Entry>()
  readonly #dirty = new Dirty()
  #busy = 0

  constructor(verifying: Verifying) {
    this.#verifying = { now: Date.now, dice: Math.random, ...verifying }
  }

  /** What is to be looked at from now on. */
  give(checks: ReadonlyMap<string, DomainChecks>): void {
    for (const name of this.#entries.keys()) if (!checks.has(name)) this.#entries.delete(name)
    for (const [name, its] of checks) {
      const known = this.#entries.get(name)
      if (known !== undefined && isSame(known.checks, its)) continue
      this.#entries.set(name, this.#entryOf(name, its, known))
    }
    this.#dirty.mark()
  }

  look(name: string): Look | undefined {
    return this.#entries.get(name)?.look
  }

  /** Until the signal ends; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#start(signal)
      const timer = setTimeout(() => this.#dirty.mark(), pollMs)
      await this.#dirty.next(signal)
      clearTimeout(timer)
    }
  }

  #entryOf(name: string, checks: DomainChecks, known: Entry | undefined): Entry {
    const said = this.#verifying.before(name)
    const before = known?.look?.found ?? known?.before ?? said
    const dueAt = this.#verifying.now()
    const holding = before === undefined ? '' : holdingBack(before, checks.whenBroken, dueAt).join()
    const isNew = said === undefined && known === undefined
    return { checks, before, isNew, dueAt, isBusy: false, look: undefined, holding }
  }

  /** Whoever was never looked at goes first; else who has waited longest: many that are broken keep no other one waiting for ever. */
  #start(signal: AbortSignal): void {
    if (this.#busy >= atOnce) return
    const now = this.#verifying.now()
    const due = [...this.#entries].filter(([, entry]) => !entry.isBusy && isDue(entry, now))
    const first = due.toSorted(([, a], [, b]) => Number(b.isNew) - Number(a.isNew) || a.dueAt - b.dueAt)
    for (const [name, entry] of first.slice(0, atOnce - this.#busy)) void this.#look(name, entry, signal)
  }

  async #look(name: string, entry: Entry, signal: AbortSignal): Promise<void> {
    const { resolvers, changed, turned, now, dice, everyMs } = this.#verifying
    entry.isBusy = true
    this.#busy += 1
    const { checks } = entry
    const own = checks.resolvers.flatMap((text) => serverIn(text) ?? [])
    const before = entry.look?.found ?? entry.before
    const looked = {
      domain: checks.domain,
      wanted: checks.wanted,
      resolvers: own.length > 0 ? own : resolvers(),
      before,
    }
    const found = await observe(looked, { ...this.#verifying, signal })
    this.#busy -= 1
    entry.isBusy = false
    this.#dirty.mark()
    if (signal.aborted || this.#entries.get(name) !== entry) return
    const at = now()
    const again = at + checkAgainMs(found, everyMs ?? checks.verifyEveryMs, dice(), checks.isWaiting)
    const acts = actsFrom(found, checks.whenBroken)
    entry.dueAt = acts !== undefined && acts > at ? Math.min(again, acts) : again
    entry.look = { found, at }
    entry.isNew = false
    changed()
    const holding = holdingBack(found, checks.whenBroken, at).join()
    if (holding !== entry.holding) turned()
    entry.holding = holding
  }
}

/** What was looked at in the future was looked at before the clock was set back. */
const isDue = ({ dueAt, look }: Entry, now: number): boolean => dueAt <= now || look === undefined || look.at > now

const isSame = (a: DomainChecks, b: DomainChecks): boolean => a === b || JSON.stringify(a) === JSON.stringify(b)
