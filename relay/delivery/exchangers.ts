/** Where a domain takes its mail: its usable exchangers in their order, or what becomes of mail to it (RFC 5321 section 5.1). */
import type { LookupAddress, MxRecord } from 'node:dns'
import { isIP } from 'node:net'
import type { Outcome } from '../mail/outcome.ts'
import { reply } from '../mail/reply.ts'
import { within } from '../within.ts'
import type { Answered, Dns } from './dns.ts'
import { familiesInTurn } from './families.ts'

export type Exchanger = {
  readonly host: string
  readonly preference: number
  /** Where DNS says that it is, as far as we may connect there. */
  readonly addresses: readonly LookupAddress[]
}

export type Found =
  | { readonly kind: 'exchangers'; readonly exchangers: readonly Exchanger[] }
  | { readonly kind: 'none'; readonly outcome: Outcome }

export type Surroundings = {
  readonly dns: Dns
  readonly mayReach: (address: string) => boolean
  readonly random: () => number
  /** Our own name: mail that comes back to us is in a circle. */
  readonly ownName: () => string
}

/** However many records there are, only so many names are looked up, so many exchangers tried, and so many addresses of each. */
const mostNames = 10
const mostExchangers = 5
const mostAddresses = 8
/** Addresses of one name that are judged, of the thousands that one answer may hold. */
const mostJudged = 64
/** How long a name waits for the one before: ten answers of that size, judged at once, would hold the loop for half a second. */
const apartMs = 250

export async function findExchangers(domain: string, around: Surroundings): Promise<Found> {
  const answer = await around.dns.exchangers(domain)
  const candidates = candidatesOf(domain, answer, around)
  if ('kind' in candidates) return candidates
  const looked = candidates.slice(0, mostNames)
  const seen = await lookAtEach(looked, around)
  const exchangers = seen.flatMap((one) => (one.kind === 'usable' ? one.exchanger : [])).slice(0, mostExchangers)
  if (exchangers.length > 0) return { kind: 'exchangers', exchangers }
  return { kind: 'none', outcome: noneOf(domain, seen, candidates.length > looked.length) }
}

/** Looks up names in their order until enough are usable; answers that are late are waited for at the end. */
async function lookAtEach(candidates: readonly Candidate[], around: Surroundings): Promise<readonly Seen[]> {
  const looks: Promise<Seen>[] = []
  let usable = 0
  for (const one of candidates) {
    if (usable >= mostExchangers) break
    const looking = around.dns.addresses(one.exchange).then((answer) => look(one, answer, around))
    looks.push(looking)
    await within(
      apartMs,
      looking.then(({ kind }) => {
        if (kind === 'usable') usable++
      }),
    )
  }
  return Promise.all(looks)
}

type Candidate = Pick<MxRecord, 'exchange' | 'priority'>

/** In the order in which they are tried. */
function candidatesOf(
  domain: string,
  answer: Answered<MxRecord>,
  { random, ownName }: Surroundings,
): readonly Candidate[] | Found {
  const ordered = (records: readonly MxRecord[]) => inOrder(domain, records, random, ownName().toLowerCase())
  switch (answer.kind) {
    case 'failed':
      return later('4.3', `the exchangers of ${domain} are not known now (${answer.why})`)
    case 'noName':
      return never(550, '1.2', `the domain ${domain} does not exist`)
    case 'noRecord':
      // Then the domain itself is its exchanger (RFC 5321 section 5.1).
      return ordered([{ exchange: domain, priority: 0 }])
    case 'found':
      return ordered(answer.records)
  }
}

function inOrder(
  domain: string,
  records: readonly MxRecord[],
  random: () => number,
  ownName: string,
): readonly Candidate[] | Found {
  const named = records.map(({ exchange, priority }) => ({ exchange: plainName(exchange), priority }))
  if (named.every(({ exchange }) => exchange === '')) return never(556, '1.10', `the domain ${domain} takes no mail`)
  const usable = named.filter(({ exchange }) => isHostName(exchange))
  if (usable.length === 0) return never(550, '1.2', `no MX record of ${domain} names a host`)
  const ours = Math.min(...usable.filter(({ exchange }) => exchange === ownName).map(({ priority }) => priority))
  const before = usable.filter(({ priority }) => priority < ours)
  if (before.length === 0)
    return never(554, '4.6', `the best exchanger of ${domain} is this relay, which takes no mail for it`)
  const shuffled = before.map((one) => ({ one, dice: random() }))
  shuffled.sort((a, b) => a.one.priority - b.one.priority || a.dice - b.dice)
  // A name in several records is one exchanger, at its best.
  const best = new Map<string, Candidate>()
  for (const { one } of shuffled) if (!best.has(one.exchange)) best.set(one.exchange, one)
  return [...best.values()]
}

const plainName = (exchange: string): string => exchange.toLowerCase().replace(/\.$/, '')

/** Letters, digits, dashes and the underscore that some have; an address is no name (RFC 1035 section 3.3.9). */
const isHostName = (name: string): boolean =>
  name.length <= 253 && isIP(name) === 0 && /^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.[a-z][a-z0-9-]{0,62}$/.test(name)

type Seen =
  | { readonly kind: 'usable'; readonly exchanger: Exchanger }
  | { readonly kind: 'forbidden'; readonly host: string; readonly address: string }
  | { readonly kind: 'unknown'; readonly host: string; readonly why: string }
  | { readonly kind: 'absent' }

function look(
  { exchange: host, priority: preference }: Candidate,
  answer: Answered<LookupAddress>,
  { mayReach }: Surroundings,
): Seen {
  if (answer.kind === 'failed') return { kind: 'unknown', host, why: answer.why }
  if (answer.kind !== 'found') return { kind: 'absent' }
  const judged = familiesInTurn(answer.records).slice(0, mostJudged)
  const addresses = familiesInTurn(judged.filter(({ address }) => mayReach(address))).slice(0, mostAddresses)
  if (addresses.length === 0) return { kind: 'forbidden', host, address: answer.records[0]?.address ?? '' }
  return { kind: 'usable', exchanger: { host, preference, addresses } }
}

/** A bounce only where DNS says of each name that it has no address: all else may change. */
function noneOf(domain: string, seen: readonly Seen[], areMore: boolean): Outcome {
  const unknown = seen.find((one) => one.kind === 'unknown')
  if (unknown !== undefined) return deferral('4.3', `${unknown.host} was not resolved (${unknown.why})`)
  const forbidden = seen.find((one) => one.kind === 'forbidden')
  if (forbidden !== undefined)
    return deferral(
      '4.4',
      `${forbidden.host} is at ${forbidden.address}, which is not on the Internet; a host of your own needs a route of type Smarthost`,
    )
  if (areMore) return deferral('4.4', `none of the first ${seen.length} exchangers of ${domain} has an address`)
  return bounce(550, '1.2', `no exchanger of ${domain} has an address`)
}

const deferral = (subject: string, text: string): Outcome => ({
  kind: 'deferred',
  scope: 'nextHop',
  reply: reply(451, subject, text),
})
const bounce = (code: number, subject: string, text: string): Outcome => ({
  kind: 'bounced',
  reply: reply(code, subject, text),
})
const later = (subject: string, text: string): Found => ({ kind: 'none', outcome: deferral(subject, text) })
const never = (code: number, subject: string, text: string): Found => ({
  kind: 'none',
  outcome: bounce(code, subject, text),
})
