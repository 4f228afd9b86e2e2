/** Which records a sender domain needs, by what its owner expects and by the keys that sign for it; and which have to go. */
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
      /** Networks that our mail comes from. */
      readonly networks: readonly Network[]
    }
  | ({ readonly purpose: 'DKIM'; readonly name: string; readonly type: 'TXT'; readonly key: PublicKey } & Spare)
  /** The selector is delegated: the key's own record is at the target. */
  | ({ readonly purpose: 'DKIM'; readonly name: string; readonly type: 'CNAME'; readonly target: string } & Spare)
  | {
      readonly purpose: 'DMARC'
      /** Where the domain's own record is; the one of its organisational domain holds where there is none. */
      readonly name: string
      readonly type: 'TXT'
      readonly domain: string
      readonly minimumPolicy: DmarcPolicy
      readonly reports?: string
    }
  /** The key's time is over: as long as its record is there, whoever has stolen it can sign. */
  | { readonly purpose: 'RetiredKey'; readonly name: string; readonly type: 'TXT'; readonly key: PublicKey }

/** Mail that leaves now is good without it: the key is about to sign, or did a while ago. */
export type Spare = { readonly isSpare?: true }

export type PublicKey = { readonly type: KeyType; readonly publicKey: string }

/** A key that signs, or is about to, or did a moment ago: its record has to be there. */
export type SelectorKey = PublicKey &
  Spare & {
    readonly selector: string
    /** Where the selector's name is an alias of, where the owner has delegated it. */
    readonly delegatedTo?: string
  }

/** A key that has signed, and never will again. */
export type RetiredKey = PublicKey & Pick<SelectorKey, 'selector' | 'delegatedTo'>

export type Expectations = {
  readonly spf?: { readonly include: readonly string[]; readonly addresses: readonly string[] }
  readonly dmarc?: { readonly minimumPolicy: DmarcPolicy; readonly reports?: string }
}

// RFC 7489 section 3.2; private suffixes count, as their subdomains belong to different people.
export const organizationalDomain = (domain: string): string =>
  getDomain(domain, { allowPrivateDomains: true, extractHostname: false, validateHostname: false }) ?? domain

/** `vacant`: selectors that are delegated and have no key now; their aliases have to be there when one comes. */
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
