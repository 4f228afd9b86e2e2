/** Questions to DNS, with a limit of time and no search list: what was found, that there is none, or that nobody knows now. */
import type { LookupAddress, MxRecord } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import { within } from '../within.ts'
import { questionTypes, responseCode } from './response-code.ts'

export type Answered<T> =
  | { readonly kind: 'found'; readonly records: readonly T[] }
  /** The name is there, and has no record of this type. */
  | { readonly kind: 'noRecord' }
  /** NXDOMAIN. */
  | { readonly kind: 'noName' }
  | { readonly kind: 'failed'; readonly why: string }

export type Dns = {
  readonly exchangers: (domain: string) => Promise<Answered<MxRecord>>
  /** IPv6 and IPv4. */
  readonly addresses: (host: string) => Promise<Answered<LookupAddress>>
}

/** For one question, over all servers and repetitions. */
const patienceMs = 10_000
/** How long IPv6 is waited for when IPv4 is known: some name servers never answer a question for it (RFC 4074 section 4.1). */
const lateMs = 1000

/** The servers of the system; `servers` for tests. c-ares asks them without a thread, so the disk waits for none of it. */
export function systemDns(servers?: readonly string[], limitMs = patienceMs): Dns {
  const resolverOf = (own: readonly string[] | undefined): Resolver => {
    const made = new Resolver({ timeout: Math.min(2000, limitMs), tries: 2 })
    if (own !== undefined) made.setServers(own)
    return made
  }
  let resolver = resolverOf(servers)
  /** A resolver reads the servers of the system when it is made. Where none was of use a new one is made: there may be others now. */
  const ask = async <T>(question: (asked: Resolver) => Promise<readonly T[]>): Promise<Answered<T>> => {
    const asked = resolver
    const until = performance.now() + limitMs
    let answer = await answered(question(asked), limitMs)
    // Node takes the answer of the first server that has one, even that it cannot tell; so the others are asked here.
    for (const server of asked.getServers().slice(1)) {
      if (!isUnsure(answer)) break
      const other = await answered(question(resolverOf([server])), Math.max(0, until - performance.now()))
      // The silence of a later server is no better answer.
      if (other.kind !== 'failed' || isUnsure(other)) answer = other
    }
    if (answer.kind === 'failed' && answer.why !== servfail && asked === resolver) resolver = resolverOf(servers)
    return answer
  }
  /** The first server is of no use: those behind it are asked from then on. */
  const leave = (asked: Resolver): void => {
    const others = asked.getServers().slice(1)
    if (asked === resolver) resolver = resolverOf(others.length > 0 ? others : servers)
  }
  /**
   * Whether that there is no record is to be believed: a server that looks up nothing for others does not know the root either. The
   * first server, whose answer it was, is asked of the root.
   */
  const unlessOfNoUse = async <T>(answer: Answered<T>, asked: Resolver): Promise<Answered<T>> => {
    const root = await answered(asked.resolveNs('.'), limitMs)
    if (root.kind === 'found') return answer
    if (root.kind === 'failed' && root.why !== refused)
      return { kind: 'failed', why: `no record of it, and of the root: ${root.why}` }
    leave(asked)
    return { kind: 'failed', why: noRecursion }
  }
  /** An answer without a record is one only where it has no error: by it mail is given up, or goes to the domain itself. */
  const unlessOdd = async <T>(answer: Answered<T>, asked: Resolver, name: string, types: readonly number[]) => {
    const [server] = asked.getServers()
    if (answer.kind !== 'noRecord' || server === undefined) return answer
    const codes = await Promise.all(types.map((type) => responseCode(server, name, type)))
    const odd = codes.find((code = 0) => code !== 0)
    if (odd === undefined) return answer
    leave(asked)
    return { kind: 'failed', why: `the name server answers with error ${odd}` } as const
  }
  return {
    exchangers: async (domain) => {
      const used = resolver
      return unlessOdd(await ask((asked) => asked.resolveMx(domain)), used, domain, [questionTypes.mx])
    },
    addresses: async (host) => {
      const used = resolver
      let v6: Answered<LookupAddress> = { kind: 'failed', why: 'no answer' }
      const heard = ask((asked) => asked.resolve6(host).then(ofFamily(6))).then((answer) => {
        v6 = answer
      })
      const v4 = await ask((asked) => asked.resolve4(host).then(ofFamily(4)))
      await (v4.kind === 'found' ? within(lateMs, heard) : heard)
      const both = await unlessOdd(together(v6, v4), used, host, [questionTypes.a, questionTypes.aaaa])
      // A server that looks up nothing for others refers to another: an answer without a record, as if there were none (RFC 2308
      // section 2.2).
      return both.kind === 'noRecord' ? unlessOfNoUse(both, used) : both
    },
  }
}

const ofFamily =
  (family: 4 | 6) =>
  (addresses: readonly string[]): LookupAddress[] =>
    addresses.map((address) => ({ address, family }))

async function answered<T>(asked: Promise<readonly T[]>, limitMs: number): Promise<Answered<T>> {
  let answer: Answered<T> = { kind: 'failed', why: `no answer within ${limitMs / 1000} s` }
  const heard = asked.then(
    (records) => {
      // An alias to a name without such a record is found, and empty.
      answer = records.length === 0 ? { kind: 'noRecord' } : { kind: 'found', records }
    },
    ({ code = 'unknown' }: NodeJS.ErrnoException) => {
      answer = failures[code] ?? { kind: 'failed', why: code }
    },
  )
  await within(limitMs, heard)
  return answer
}

/** The server that says so works: it is those of the domain that do not. */
const servfail = 'SERVFAIL'
const refused = 'REFUSED'
/** Said by a server that can not tell, or of one that is not there, as over TCP for what UDP cut off: another one may tell. */
const unsure: ReadonlySet<string> = new Set([servfail, refused, 'ENOTIMP', 'EFORMERR', 'EBADRESP', 'ECONNREFUSED'])
const isUnsure = (answer: Answered<unknown>): boolean => answer.kind === 'failed' && unsure.has(answer.why)
const noRecursion = 'no record of it, nor of the root: the name server looks up nothing for others'
const failures: Readonly<Record<string, Answered<never>>> = {
  ENODATA: { kind: 'noRecord' },
  ENOTFOUND: { kind: 'noName' },
  ETIMEOUT: { kind: 'failed', why: 'no server answered in time' },
  ESERVFAIL: { kind: 'failed', why: servfail },
  EREFUSED: { kind: 'failed', why: refused },
}

/** One family is enough; that there is none has to be said of both. */
function together<T>(a: Answered<T>, b: Answered<T>): Answered<T> {
  if (a.kind === 'found' && b.kind === 'found') return { kind: 'found', records: [...a.records, ...b.records] }
  const inOrder = [a, b]
  return (
    inOrder.find(({ kind }) => kind === 'found') ??
    inOrder.find(({ kind }) => kind === 'failed') ??
    inOrder.find(({ kind }) => kind === 'noName') ??
    a
  )
}
