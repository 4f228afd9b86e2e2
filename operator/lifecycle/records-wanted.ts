/** Which DNS records a domain needs, by spec.expect and by the keys that sign for it, and which have to be removed. */
import { getDomain } from 'tldts'
import type { DelegatedSelector } from './delegated-selectors.ts'
import type { KeyType } from './dkim-record.ts'
import type { DmarcPolicy } from './dmarc-record.ts'
import { type Network, networkOf } from './spf-record.ts'

export type Wanted =
  | {
      readonly purpose: 'SPF'
      readonly name: string
      readonly type: 'TXT'
      readonly include: readonly string[]
      /** Networks from which our mail is sent. */
      readonly networks: readonly Network[]
    }
  | ({ readonly purpose: 'DKIM'; readonly name: string; readonly type: 'TXT'; readonly key: PublicKey } & Spare)
  /** A delegated selector: the record with the key is at the target. */
  | ({ readonly purpose: 'DKIM'; readonly name: string; readonly type: 'CNAME'; readonly target: string } & Spare)
  | {
      readonly purpose: 'DMARC'
      /** The name of the domain's own record; without one, that of its organisational domain applies. */
      readonly name: string
      readonly type: 'TXT'
      readonly domain: string
      readonly minimumPolicy: DmarcPolicy
      readonly reports?: string
    }
  /** The record of a retired key, which has to go: while it is there, anybody who has stolen the key can sign. */
  | { readonly purpose: 'RetiredKey'; readonly name: string; readonly type: 'TXT'; readonly key: PublicKey }

/** Spare: mail that leaves now does not need the record, because its key will sign later, or did before. */
export type Spare = { readonly isSpare?: true }

export type PublicKey = { readonly type: KeyType; readonly publicKey: string }

/** A key that signs, will sign, or signed recently: its record has to be there. */
export type SelectorKey = PublicKey &
  Spare & {
    readonly selector: string
    /** The name to which the selector is delegated by a CNAME, if it is. */
    readonly delegatedTo?: string
  }

/** A key that will never sign again. */
export type RetiredKey = PublicKey & Pick<SelectorKey, 'selector' | 'delegatedTo'>

export type Expectations = {
  readonly spf?: { readonly include: readonly string[]; readonly addresses: readonly string[] }
  readonly dmarc?: { readonly minimumPolicy: DmarcPolicy; readonly reports?: string }
}

// RFC 7489 section 3.2. Private suffixes (github.io) count as suffixes, since their subdomains belong to different people.
export const organizationalDomain = (domain: string): string =>
  getDomain(domain, { allowPrivateDomains: true, extractHostname: false, validateHostname: false }) ?? domain

/** `vacant` are delegated selectors without a key now; their CNAME records must be there before they get one. */
export function recordsWanted(
  domain: string,
  { spf, dmarc }: Expectations,
  keys: readonly SelectorKey[],
  retired: readonly RetiredKey[] = [],
  vacant: readonly (DelegatedSelector & Spare)[] = [],
): readonly Wanted[] {
  return [
    ...(spf === undefined ? [] : [spfWanted(domain, spf)]),
    ...keys.flatMap((key) => dkimWanted(domain, key)),
    ...vacant.map((its) => aliasWanted(domain, its)),
    ...(dmarc === undefined ? [] : [dmarcWanted(domain, dmarc)]),
    ...retired.map((key) => retiredWanted(domain, key)),
  ]
}

const spfWanted = (domain: string, { include, addresses }: NonNullable<Expectations['spf']>): Wanted => ({
  purpose: 'SPF',
  name: domain,
  type: 'TXT',
  include,
  networks: addresses.flatMap((text) => networkOf(...(text.split('/') as [string, string?])) ?? []),
})

export const selectorName = (selector: string, domain: string): string => `${selector}._domainkey.${domain}`

function aliasWanted(domain: string, { selector, delegatedTo, isSpare }: DelegatedSelector & Spare): Wanted {
  const name = selectorName(selector, domain)
  return { purpose: 'DKIM', name, type: 'CNAME', target: delegatedTo, ...(isSpare && { isSpare }) }
}

function dkimWanted(domain: string, wanted: SelectorKey): readonly Wanted[] {
  const { selector, delegatedTo, type, publicKey, isSpare } = wanted
  const spare: Spare = isSpare ? { isSpare } : {}
  const name = selectorName(selector, domain)
  const key = { type, publicKey }
  if (delegatedTo === undefined) return [{ purpose: 'DKIM', name, type: 'TXT', key, ...spare }]
  return [
    aliasWanted(domain, { selector, delegatedTo, ...spare }),
    { purpose: 'DKIM', name: delegatedTo, type: 'TXT', key, ...spare },
  ]
}

const retiredWanted = (domain: string, { selector, delegatedTo, type, publicKey }: RetiredKey): Wanted => ({
  purpose: 'RetiredKey',
  name: delegatedTo ?? selectorName(selector, domain),
  type: 'TXT',
  key: { type, publicKey },
})

const dmarcWanted = (domain: string, expected: NonNullable<Expectations['dmarc']>): Wanted => ({
  purpose: 'DMARC',
  name: `_dmarc.${domain}`,
  type: 'TXT',
  domain,
  ...expected,
})
