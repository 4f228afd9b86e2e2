/** What is known of domains' exchangers: fresh for a minute, and the last good ones for an hour while DNS does not answer. */
import { Latest } from '../latest.ts'
import { within } from '../within.ts'
import { type Found, findExchangers, type Surroundings } from './exchangers.ts'
import { FairPlaces } from './fair-places.ts'

type Known = { readonly found: Found; readonly at: number; readonly askAt: number }

const freshMs = 60_000
/** How soon DNS is asked again when it gave no answer. */
const failedFreshMs = 5000
const usableMs = 3_600_000
const patienceMs = 2000
/** More questions at once would only lose each other's answers. */
const mostAsked = 64
/** Domains that are remembered; the one that was asked about longest ago is forgotten first. */
const mostKnown = 4096

export class KnownExchangers {
  readonly #around: Surroundings
  readonly #now: () => number
  readonly #known = new Latest<Known>(mostKnown)
  readonly #asking = new Map<string, Promise<Found>>()
  readonly #places = new FairPlaces(mostAsked)

  constructor(around: Surroundings, now: () => number) {
    this.#around = around
    this.#now = now
  }

  /** For mail of this credential. One question at a time for a domain; where a good answer is known, a newer one has two seconds. */
  async find(domain: string, credential = ''): Promise<Found> {
    const known = this.#known.get(domain)
    const now = this.#now()
    if (known !== undefined && now < known.askAt) return known.found
    const lastGood = known?.found.kind === 'exchangers' && now - known.at < usableMs ? known : undefined
    const asking =
      this.#asking.get(domain) ?? this.#ask(domain, credential, lastGood).finally(() => this.#asking.delete(domain))
    this.#asking.set(domain, asking)
    if (lastGood === undefined) return asking
    let answer = lastGood.found
    await within(
      patienceMs,
      asking.then((found) => {
        answer = found
      }),
    )
    return answer
  }

  async #ask(domain: string, credential: string, lastGood: Known | undefined): Promise<Found> {
    const found = await this.#places.run(credential, () => findExchangers(domain, this.#around))
    const at = this.#now()
    if (!isUnknown(found)) this.#known.set(domain, { found, at, askAt: at + freshMs })
    else this.#known.set(domain, { found, at, ...lastGood, askAt: at + failedFreshMs })
    return this.#known.get(domain)?.found ?? found
  }
}

/** DNS gave no answer. Whatever it says is followed, even that there is none. */
const isUnknown = (found: Found): boolean => found.kind === 'none' && found.outcome.reply.status === '4.4.3'
