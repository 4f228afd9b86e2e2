/** Finds the servers to ask about a domain: the name servers of its zone, for what is in the zone, and the resolvers. */
import type { Answer, Question } from '../lifecycle/answer.ts'
import { organizationalDomain } from '../lifecycle/records-wanted.ts'
import type { Ask } from './ask.ts'
import type { Reply } from './message.ts'
import { type Server, serverText } from './server.ts'

/** One server that can be asked; `observe` keeps its answers. */
export type Witness = {
  /** What it is called in messages: `resolver 192.0.2.53`, `name server ns1.example.net`. */
  readonly server: string
  readonly authoritative: boolean
  /** The zone that a name server serves; absent for a resolver. */
  readonly zone?: string
  readonly ask: (question: Question) => Promise<Answer>
}

/** At most so many of a zone's name servers are asked at one look; another look may choose others. */
const mostOwn = 4
const mostAddresses = 4

/**
 * The name servers of the zones of `domains`, and the resolvers. Where a zone's name servers can not be found, only the resolvers
 * count.
 */
export async function witnessesOf(
  domains: readonly string[],
  resolvers: readonly Server[],
  ask: Ask,
  dice: () => number,
): Promise<readonly Witness[]> {
  const resolved = remembered((question) => firstAnswer(resolvers, question, ask))
  const found = await Promise.all(domains.map((domain) => ownServers(domain, resolvers, ask, dice)))
  const own = [...new Map(found.flat().map((one) => [`${one.zone} ${one.host}`, one])).values()]
  return [
    ...own.map(({ zone, host, addresses }) => ({
      server: `name server ${host}`,
      authoritative: true,
      zone,
      ask: (question: Question) => inZone(question, zone, addresses, resolved, ask),
    })),
    ...resolvers.map((resolver) => ({
      server: `resolver ${serverText(resolver)}`,
      authoritative: false,
      ask: (question: Question) => byResolver(resolver, question, ask),
    })),
  ]
}

/** Some resolvers do not follow a chain of aliases to its end in one answer, so we go on ourselves, at most so often. */
const mostTurns = 8

async function byResolver(resolver: Server, question: Question, ask: Ask): Promise<Answer> {
  let name = question.name
  for (let turn = 0; turn < mostTurns; turn += 1) {
    const reply = await ask([resolver], { ...question, name }, true)
    switch (reply.is) {
      case 'records':
        return answered(reply)
      case 'absent':
        return { is: 'absent' }
      case 'referral':
        return { is: 'unknown', why: 'it resolves nothing for us (a referral)' }
      case 'unknown':
        return reply.why === 'SERVFAIL' ? failed(resolver, { ...question, name }, ask) : reply
      case 'alias':
        name = reply.target
    }
  }
  return { is: 'unknown', why: `the aliases of ${question.name} have no end; correct the CNAME` }
}

/**
 * A validating resolver answers SERVFAIL for invalid DNSSEC signatures. Asking again without validation tells whether that is the
 * reason.
 */
async function failed(resolver: Server, question: Question, ask: Ask): Promise<Answer> {
  const { is } = await ask([resolver], { ...question, unverified: true }, true)
  const why = is === 'unknown' || is === 'referral' ? 'SERVFAIL' : unverifiable
  return { is: 'unknown', why }
}
const unverifiable =
  'SERVFAIL, and an answer without DNSSEC validation: have the owner of the zone check its signatures and its DS record'

const answered = ({ records, ttl, authenticated }: Extract<Reply, { is: 'records' }>): Answer => ({
  is: 'records',
  records,
  ttl,
  authenticated,
})

const isWithin = (name: string, zone: string): boolean => name === zone || name.endsWith(`.${zone}`)

/** Asks a name server for what is in its zone; for names outside of the zone, or delegated away, the resolvers are asked. */
async function inZone(
  question: Question,
  zone: string,
  addresses: readonly Server[],
  elsewhere: (question: Question) => Promise<Answer>,
  ask: Ask,
): Promise<Answer> {
  if (!isWithin(question.name, zone)) return elsewhere(question)
  const reply = await ask(addresses, question, false)
  if (reply.is === 'referral') return elsewhere(question)
  if (reply.is === 'unknown') return reply
  // Without the AA bit, the server may merely repeat an old answer from its cache.
  if (!reply.own) return { is: 'unknown', why: `it does not serve ${zone}` }
  if (reply.is === 'alias') return elsewhere({ ...question, name: reply.target })
  return reply.is === 'absent' ? { is: 'absent' } : answered(reply)
}

function remembered(ask: (question: Question) => Promise<Answer>): (question: Question) => Promise<Answer> {
  const asked = new Map<string, Promise<Answer>>()
  return (question) => {
    const key = `${question.type} ${question.name}`
    const known = asked.get(key) ?? ask(question)
    asked.set(key, known)
    return known
  }
}

async function firstAnswer(resolvers: readonly Server[], question: Question, ask: Ask): Promise<Answer> {
  let last: Answer = { is: 'unknown', why: 'there is no resolver' }
  for (const resolver of resolvers) {
    last = await byResolver(resolver, question, ask)
    if (last.is !== 'unknown') return last
  }
  return last
}

type Own = { readonly zone: string; readonly host: string; readonly addresses: readonly Server[] }

async function ownServers(
  domain: string,
  resolvers: readonly Server[],
  ask: Ask,
  dice: () => number,
): Promise<readonly Own[]> {
  const found = await zoneOf(domain, resolvers, ask)
  const hosts = chosen(found.hosts, dice)
  const all = await Promise.all(
    hosts.map(async (host) => ({ zone: found.zone, host, addresses: await addressesOf(host, resolvers, ask) })),
  )
  return all.filter(({ addresses }) => addresses.length > 0)
}

/** The zone of a domain: the nearest name upwards that has NS records, but not above the organisational domain. */
async function zoneOf(domain: string, resolvers: readonly Server[], ask: Ask) {
  const top = organizationalDomain(domain)
  for (let zone = domain; isWithin(zone, top); zone = zone.slice(zone.indexOf('.') + 1)) {
    for (const resolver of resolvers) {
      const reply = await ask([resolver], { name: zone, type: 'NS' }, true)
      if (reply.is === 'records') return { zone, hosts: reply.records }
      if (reply.is === 'absent' || reply.is === 'alias') break
    }
  }
  return { zone: domain, hosts: [] }
}

function chosen(hosts: readonly string[], dice: () => number): readonly string[] {
  if (hosts.length <= mostOwn) return hosts.toSorted()
  const mixed = hosts.map((host) => ({ host, at: dice() })).toSorted((a, b) => a.at - b.at)
  return mixed.slice(0, mostOwn).map(({ host }) => host)
}

async function addressesOf(host: string, resolvers: readonly Server[], ask: Ask): Promise<readonly Server[]> {
  const [four, six] = await Promise.all([
    firstAnswer(resolvers, { name: host, type: 'A' }, ask),
    firstAnswer(resolvers, { name: host, type: 'AAAA' }, ask),
  ])
  const addresses = [four, six].flatMap((answer) =>
    answer.is === 'records' ? answer.records.slice(0, mostAddresses) : [],
  )
  return addresses.map((address) => ({ address, port: 53 }))
}
