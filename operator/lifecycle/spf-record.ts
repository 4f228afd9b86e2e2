/** Parses the text of an SPF record strictly by the grammar of RFC 7208: receivers treat anything else as an error. */
import { isIPv4, isIPv6 } from 'node:net'
import { quoted } from './tag-list.ts'

export type Qualifier = '+' | '-' | '~' | '?'

/** A domain; undefined where it has macros, so that it depends on the message. */
type Target = string | undefined
export type Network = { readonly address: string; readonly family: 'ipv4' | 'ipv6'; readonly prefix: number }
type Lengths = { readonly prefix4: number; readonly prefix6: number }

export type Mechanism =
  | { readonly is: 'all' }
  | { readonly is: 'include' | 'exists'; readonly target: Target }
  /** Without a target: the domain itself. */
  | ({ readonly is: 'a' | 'mx'; readonly target: Target | 'self' } & Lengths)
  | { readonly is: 'ptr' }
  | { readonly is: 'network'; readonly network: Network }

export type Directive = { readonly qualifier: Qualifier; readonly mechanism: Mechanism }

export type SpfRecord =
  | {
      readonly ok: true
      readonly directives: readonly Directive[]
      readonly redirect?: { readonly target: Target }
    }
  | { readonly ok: false; readonly why: string }

/** RFC 7208 section 4.5: which TXT records are SPF records at all. */
export const isSpf = (text: string): boolean => /^v=spf1(?: |$)/i.test(text)

const macroString = /^(?:[!-$&-~]|%[%_-]|%\{[slodiphcrtv][0-9]*r?[.\-+,/_=]*\})*$/i
/** The last label has a letter or a hyphen: for receivers, an address in place of a domain is an error. */
const domainEnd = /(?:\.(?!\d+\.?$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.?|%\{[^}]*\})$/i

/** `wrong` where the text is no domain-spec (RFC 7208 section 7.1). */
function targetOf(text: string): { readonly target: Target } | 'wrong' {
  if (!macroString.test(text) || !domainEnd.test(text)) return 'wrong'
  if (text.includes('%')) return { target: undefined }
  const target = text.toLowerCase().replace(/\.$/, '')
  // RFC 1035 section 2.3.4: no server can be asked for a longer one.
  const askable = target.length <= 253 && target.split('.').every((label) => label.length <= 63)
  return askable ? { target } : 'wrong'
}

const prefixPattern = /^(.*?)(?:\/(0|[1-9][0-9]?))?(?:\/\/(0|[1-9][0-9]{0,2}))?$/

/** Reads what follows the name of a mechanism; undefined where the grammar does not allow it. */
type Reader = (value: string | undefined) => Mechanism | undefined

const only =
  (mechanism: Mechanism): Reader =>
  (value) =>
    value === undefined ? mechanism : undefined

const ofDomain =
  (is: 'include' | 'exists'): Reader =>
  (value = '') => {
    const read = value.startsWith(':') ? targetOf(value.slice(1)) : 'wrong'
    return read === 'wrong' ? undefined : { is, target: read.target }
  }

const ofHosts =
  (is: 'a' | 'mx'): Reader =>
  (value = '') => {
    const [, text = '', four = '32', six = '128'] = prefixPattern.exec(value) ?? []
    const lengths = { prefix4: Number(four), prefix6: Number(six) }
    if (lengths.prefix4 > 32 || lengths.prefix6 > 128) return undefined
    if (text === '') return { is, target: 'self', ...lengths }
    const read = text.startsWith(':') ? targetOf(text.slice(1)) : 'wrong'
    return read === 'wrong' ? undefined : { is, target: read.target, ...lengths }
  }

const ptr: Reader = (value) =>
  value === undefined || (value.startsWith(':') && targetOf(value.slice(1)) !== 'wrong') ? { is: 'ptr' } : undefined

const ofNetwork =
  (family: Network['family']): Reader =>
  (value = '') => {
    const [, address = '', length] = /^:([0-9a-f.:]+)(?:\/(0|[1-9][0-9]{0,2}))?$/i.exec(value) ?? []
    const network = networkOf(address, length)
    return network?.family === family ? { is: 'network', network } : undefined
  }

/** A Map, because a plain object would also have a `constructor`. */
const readers: ReadonlyMap<string, Reader> = new Map([
  ['all', only({ is: 'all' })],
  ['include', ofDomain('include')],
  ['exists', ofDomain('exists')],
  ['a', ofHosts('a')],
  ['mx', ofHosts('mx')],
  ['ptr', ptr],
  ['ip4', ofNetwork('ipv4')],
  ['ip6', ofNetwork('ipv6')],
])

/** A network from its address and prefix length; without a length, that one address. Undefined where it is not valid. */
export function networkOf(address: string, length?: string): Network | undefined {
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : undefined
  if (family === undefined) return undefined
  const most = family === 'ipv4' ? 32 : 128
  const prefix = length === undefined ? most : Number(length)
  return prefix <= most ? { address, family, prefix } : undefined
}

/** `text` must begin with `v=spf1` (see `isSpf`). */
export function parseSpfRecord(text: string): SpfRecord {
  const directives: Directive[] = []
  const modifiers = new Map<string, string>()
  for (const term of text
    .split(/ +/)
    .slice(1)
    .filter((t) => t !== '')) {
    const [, name, value] = /^([a-z][a-z0-9._-]*)=(.*)$/i.exec(term) ?? []
    if (name !== undefined && value !== undefined) {
      const problem = modifierProblem(name.toLowerCase(), value, modifiers)
      if (problem !== undefined) return { ok: false, why: problem }
      modifiers.set(name.toLowerCase(), value)
      continue
    }
    const directive = directiveOf(term)
    if (directive === undefined) return { ok: false, why: `${quoted(term)} is no mechanism of SPF` }
    directives.push(directive)
  }
  const redirect = targetOf(modifiers.get('redirect') ?? '')
  return { ok: true, directives, ...(redirect === 'wrong' ? {} : { redirect }) }
}

function directiveOf(term: string): Directive | undefined {
  const [, qualifier = '+', name = '', value] = /^([-+~?])?([a-z][a-z0-9]*)([:/].*)?$/i.exec(term) ?? []
  const mechanism = readers.get(name.toLowerCase())?.(value)
  return mechanism === undefined ? undefined : { qualifier: (qualifier || '+') as Qualifier, mechanism }
}

/** RFC 7208 section 6: redirect= and exp= may stand only once, each with a domain; unknown modifiers are ignored. */
function modifierProblem(name: string, value: string, before: ReadonlyMap<string, string>): string | undefined {
  const known = name === 'redirect' || name === 'exp'
  if (known && before.has(name)) return `${name}= is there twice`
  if (known && targetOf(value) === 'wrong') return `${name}=${quoted(value)} is no domain`
  return macroString.test(value) ? undefined : `${name}=${quoted(value)} is not well-formed`
}
