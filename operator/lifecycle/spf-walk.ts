/** Follows an SPF record through all its look-ups, with the limits that receivers apply (RFC 7208 section 4.6.4). */
import { type Answer, type Lookup, type Question, questionKey } from './answer.ts'
import { isSpf, type Mechanism, type Network, parseSpfRecord, type Qualifier } from './spf-record.ts'

export const limits = { lookups: 10, voids: 2, exchangers: 10 } as const

/** A record with everything that it names looked up. */
export type SpfTree = {
  readonly branches: readonly { readonly qualifier: Qualifier; readonly matches: Match }[]
  readonly redirect?: SpfTree
}

export type Match =
  | { readonly is: 'everything' }
  | { readonly is: 'networks'; readonly networks: readonly Network[]; readonly voids: Voids }
  | { readonly is: 'include'; readonly domain: string; readonly tree: SpfTree }
  /** It depends on the message (macros), or on the client's host name (ptr). */
  | { readonly is: 'unforeseeable' }

/** Look-ups that find nothing for a client of this family: only the addresses of its own are looked up (RFC 7208 section 5). */
export type Voids = Readonly<Record<Network['family'], number>>
const noVoids: Voids = { ipv4: 0, ipv6: 0 }
const oneVoid: Voids = { ipv4: 1, ipv6: 1 }

export type SpfWalk =
  | { readonly is: 'asks'; readonly questions: readonly Question[] }
  | { readonly is: 'absent' }
  | { readonly is: 'unknown'; readonly why: string }
  | { readonly is: 'several'; readonly texts: readonly string[] }
  /** A permerror for receivers, so that no mail passes. */
  | { readonly is: 'error'; readonly text: string; readonly why: string }
  | {
      readonly is: 'read'
      readonly text: string
      readonly tree: SpfTree
      /** The most that a message can need: one that matches nothing before the end of the record. */
      readonly lookups: number
      readonly voids: number
      readonly unforeseeable: boolean
    }

/** Ends the walk: the record is invalid, whatever further look-ups would find. */
class Permerror extends Error {}

class Walk {
  readonly #lookup: Lookup
  readonly asks = new Map<string, Question>()
  unknown: string | undefined
  lookups = 0
  voids = 0
  unforeseeable = false

  constructor(lookup: Lookup) {
    this.#lookup = lookup
  }

  answer(name: string, type: Question['type']): Answer {
    const question = { name, type }
    const answer = this.#lookup(question)
    if (answer === undefined) this.asks.set(questionKey(question), question)
    if (answer?.is === 'unknown') this.unknown ??= answer.why
    return answer ?? { is: 'unknown', why: 'not asked yet' }
  }

  tree(domain: string, text: string): SpfTree {
    const record = parseSpfRecord(text)
    if (!record.ok) throw new Permerror(`the record of ${domain}: ${record.why}`)
    const branches: { qualifier: Qualifier; matches: Match }[] = []
    for (const { qualifier, mechanism } of record.directives) {
      branches.push({ qualifier, matches: this.#match(domain, mechanism) })
      // Nothing after `all` is ever reached, and a redirect is ignored (sections 5.1 and 6.1).
      if (mechanism.is === 'all') return { branches }
    }
    if (record.redirect === undefined) return { branches }
    const { target } = record.redirect
    this.#count()
    if (target === undefined) {
      this.unforeseeable = true
      return { branches }
    }
    return { branches, redirect: this.#subtree(target, 'redirect=', domain) }
  }

  #count(): void {
    this.lookups += 1
    if (this.lookups > limits.lookups) {
      throw new Permerror(
        `more than ${limits.lookups} look-ups are needed, and receivers stop there; take includes away`,
      )
    }
  }

  #void(name: string, type: string): void {
    this.voids += 1
    if (this.voids > limits.voids) {
      throw new Permerror(
        `more than ${limits.voids} look-ups find nothing (the last: ${type} of ${name}), and receivers stop there; remove them`,
      )
    }
  }

  #match(domain: string, mechanism: Mechanism): Match {
    switch (mechanism.is) {
      case 'all':
        return { is: 'everything' }
      case 'network':
        return { is: 'networks', networks: [mechanism.network], voids: noVoids }
      case 'include':
        this.#count()
        return this.#include(domain, mechanism.target)
      case 'a':
        this.#count()
        return this.#hosts(mechanism, this.#named(domain, mechanism.target), (name) => [name])
      case 'mx':
        this.#count()
        return this.#hosts(mechanism, this.#named(domain, mechanism.target), (name) => this.#exchangers(name))
      case 'exists':
        this.#count()
        return this.#exists(mechanism.target)
      case 'ptr':
        this.#count()
        return this.#unforeseeable()
    }
  }

  #unforeseeable(): Match {
    this.unforeseeable = true
    return { is: 'unforeseeable' }
  }

  #named = (domain: string, target: string | undefined): string | undefined => (target === 'self' ? domain : target)

  #include(domain: string, target: string | undefined): Match {
    if (target === undefined) return this.#unforeseeable()
    return { is: 'include', domain: target, tree: this.#subtree(target, 'include:', domain) }
  }

  #subtree(target: string, by: string, domain: string): SpfTree {
    const answer = this.answer(target, 'TXT')
    if (answer.is === 'unknown') return { branches: [] }
    const texts = answer.is === 'records' ? answer.records.filter(isSpf) : []
    const [text] = texts
    // Section 5.2 and 6.1: without exactly one record there, the whole is an error.
    if (text === undefined) throw new Permerror(`${by}${target} of ${domain} leads to no SPF record; take it away`)
    if (texts.length > 1) throw new Permerror(`${by}${target} of ${domain} leads to ${texts.length} SPF records`)
    return this.tree(target, text)
  }

  #exists(target: string | undefined): Match {
    if (target === undefined) return this.#unforeseeable()
    const answer = this.answer(target, 'A')
    if (answer.is === 'absent') this.#void(target, 'A')
    return answer.is === 'records' ? { is: 'everything' } : { is: 'networks', networks: [], voids: oneVoid }
  }

  #exchangers(name: string): readonly string[] {
    const answer = this.answer(name, 'MX')
    if (answer.is === 'absent') this.#void(name, 'MX')
    const names = answer.is === 'records' ? answer.records : []
    if (names.length > limits.exchangers) {
      throw new Permerror(`${name} has ${names.length} MX records, and mx allows ${limits.exchangers}; take it away`)
    }
    return names
  }

  #hosts(
    { prefix4, prefix6 }: { readonly prefix4: number; readonly prefix6: number },
    name: string | undefined,
    hostsOf: (name: string) => readonly string[],
  ): Match {
    if (name === undefined) return this.#unforeseeable()
    const found = hostsOf(name).map((host) => {
      const [four, six] = [this.answer(host, 'A'), this.answer(host, 'AAAA')]
      if (four.is === 'absent' && six.is === 'absent') this.#void(host, 'A and AAAA')
      return { four, six }
    })
    const networks = found.flatMap(({ four, six }) => [
      ...addresses(four, 'ipv4', prefix4),
      ...addresses(six, 'ipv6', prefix6),
    ])
    // Without hosts it was the look-up of exchangers that found nothing.
    if (found.length === 0) return { is: 'networks', networks, voids: oneVoid }
    const ipv4 = found.filter(({ four }) => four.is === 'absent').length
    const ipv6 = found.filter(({ six }) => six.is === 'absent').length
    return { is: 'networks', networks, voids: { ipv4, ipv6 } }
  }
}

const addresses = (answer: Answer, family: Network['family'], prefix: number): readonly Network[] =>
  answer.is === 'records' ? answer.records.map((address) => ({ address, family, prefix })) : []

/** Repeats the walk with all answers so far: `asks` is what it needs next. Call it again until it returns something else. */
export function walkSpf(domain: string, lookup: Lookup): SpfWalk {
  const walk = new Walk(lookup)
  const answer = walk.answer(domain, 'TXT')
  if (walk.asks.size > 0) return { is: 'asks', questions: [...walk.asks.values()] }
  if (answer.is === 'unknown') return { is: 'unknown', why: answer.why }
  const texts = answer.is === 'records' ? answer.records.filter(isSpf) : []
  const [text] = texts
  if (text === undefined) return { is: 'absent' }
  // Section 4.5: of two, none counts.
  if (texts.length > 1) return { is: 'several', texts }
  try {
    const tree = walk.tree(domain, text)
    if (walk.asks.size > 0) return { is: 'asks', questions: [...walk.asks.values()] }
    if (walk.unknown !== undefined) return { is: 'unknown', why: walk.unknown }
    const { lookups, voids, unforeseeable } = walk
    return { is: 'read', text, tree, lookups, voids, unforeseeable }
  } catch (error) {
    if (error instanceof Permerror) return { is: 'error', text, why: error.message }
    throw error
  }
}

/** Every domain that the record includes with `+`, at any depth. */
export function includedBy(tree: SpfTree): ReadonlySet<string> {
  const own = tree.branches.flatMap(({ qualifier, matches }) =>
    qualifier === '+' && matches.is === 'include' ? [matches.domain, ...includedBy(matches.tree)] : [],
  )
  return new Set([...own, ...(tree.redirect === undefined ? [] : includedBy(tree.redirect))])
}
