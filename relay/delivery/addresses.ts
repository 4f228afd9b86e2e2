/** Addresses of smarthosts: few look-ups at once, since getaddrinfo shares its threads with the disk; the last good ones are kept. */
import { type LookupAddress, lookup as systemLookup } from 'node:dns'

type Answered = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void
export type SystemLookup = (host: string, options: { all: true }, answered: Answered) => void
type Known = { readonly addresses: LookupAddress[]; readonly at: number }

const freshMs = 10_000
const usableMs = 3_600_000
const patienceMs = 2000
const maxLookups = 2

/** Calls `answered` once, and never before it has returned. */
export type Lookup = (host: string, answered: Answered) => void

/** What was found is used for ten seconds; what was found within the last hour is used while the resolver is slow or fails. */
export function createLookup(now: () => number = Date.now, lookup: SystemLookup = systemLookup): Lookup {
  const known = new Map<string, Known>()
  const asking = new Map<string, Answered[]>()
  const queued: string[] = []
  let running = 0

  const usable = (host: string, withinMs: number): LookupAddress[] | undefined => {
    const found = known.get(host)
    return found !== undefined && now() - found.at < withinMs ? found.addresses : undefined
  }

  const runNext = (): void => {
    const host = running < maxLookups ? queued.shift() : undefined
    if (host === undefined) return
    running++
    lookup(host, { all: true }, (error, addresses) => {
      running--
      if (error === null) known.set(host, { addresses, at: now() })
      const asked = asking.get(host) ?? []
      asking.delete(host)
      for (const answer of asked) answer(error, addresses)
      runNext()
    })
  }

  const ask = (host: string, answer: Answered): void => {
    const others = asking.get(host)
    if (others !== undefined) return void others.push(answer)
    asking.set(host, [answer])
    queued.push(host)
    runNext()
  }

  /** Answers once: with what is found, or with what is still usable when that fails or takes too long. */
  const resolve = (host: string, answer: Answered): void => {
    const fresh = usable(host, freshMs)
    if (fresh !== undefined) return void process.nextTick(answer, null, fresh)
    const last = usable(host, usableMs)
    let answered = false
    const once: Answered = (error, addresses) => {
      if (answered) return
      answered = true
      clearTimeout(patience)
      if (error !== null && last !== undefined) answer(null, last)
      else answer(error, addresses)
    }
    const patience = setTimeout(() => last !== undefined && once(null, last), patienceMs).unref()
    ask(host, once)
  }

  return resolve
}

/** For a host whose addresses are known, and are not to be asked for again. */
export const lookupIn =
  (addresses: readonly LookupAddress[]): Lookup =>
  (_host, answered) =>
    process.nextTick(answered, null, [...addresses])
