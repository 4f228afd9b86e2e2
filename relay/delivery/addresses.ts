/** Addresses of smarthosts: few look-ups at once, since getaddrinfo shares its threads with the disk; the last good ones stay usable. */
import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns'

type Answered = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void
export type SystemLookup = (host: string, options: { all: true }, answered: Answered) => void
type Known = { readonly addresses: LookupAddress[]; readonly at: number }
type Ask = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void

const freshMs = 10_000
const usableMs = 3_600_000
const patienceMs = 2000
const maxLookups = 2

/** The `lookup` of net.connect. */
export type Lookup = (
  host: string,
  options: LookupOptions,
  callback: (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void,
) => void

/** What was found is used for ten seconds; what was found within the last hour is used while the resolver is slow or fails. */
export function createLookup(now: () => number = Date.now, lookup: SystemLookup = systemLookup): Lookup {
  const known = new Map<string, Known>()
  const asking = new Map<string, Ask[]>()
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

  const ask = (host: string, answer: Ask): void => {
    const others = asking.get(host)
    if (others !== undefined) return void others.push(answer)
    asking.set(host, [answer])
    queued.push(host)
    runNext()
  }

  /** Answers once: with what is found, or with what is still usable when that fails or takes too long. */
  const resolve = (host: string, answer: Ask): void => {
    const fresh = usable(host, freshMs)
    if (fresh !== undefined) return void process.nextTick(answer, null, fresh)
    const last = usable(host, usableMs)
    let answered = false
    const once: Ask = (error, addresses) => {
      if (answered) return
      answered = true
      clearTimeout(patience)
      if (error !== null && last !== undefined) answer(null, last)
      else answer(error, addresses)
    }
    const patience = setTimeout(() => last !== undefined && once(null, last), patienceMs).unref()
    ask(host, once)
  }

  return (host, options, callback) =>
    resolve(host, (error, addresses) => {
      if (error === null) hand(addresses, host, options, callback)
      else callback(error, [])
    })
}

/** For a host whose addresses are known, and are not to be asked for again. */
export const lookupIn =
  (addresses: readonly LookupAddress[]): Lookup =>
  (host, options, callback) =>
    process.nextTick(() => hand(addresses, host, options, callback))

function hand(
  addresses: readonly LookupAddress[],
  host: string,
  options: LookupOptions,
  callback: Parameters<Lookup>[2],
) {
  const ofFamily = addresses.filter((a) => !options.family || a.family === options.family)
  const [first] = ofFamily
  if (first === undefined) callback(Object.assign(new Error(`${host} has no address`), { code: 'ENOTFOUND' }), [])
  else if (options.all) callback(null, ofFamily)
  else callback(null, first.address, first.family)
}
