/**
 * The DKIM keys of a fleet: for every domain that its credentials send as, the keys that sign and the files that relays find them
 * in.
 */
import { createHash } from 'node:crypto'
import type { RelayConfig, SigningConfig } from '../../relay/config.ts'
import { keyTypeOf } from '../lifecycle/dkim-key.ts'
import type { DomainKeys } from '../lifecycle/domain-keys.ts'
import { signingAlgorithms } from '../lifecycle/held-key.ts'
import type { Known } from './known.ts'
import { bothOf, type MailDomains } from './mail-domains.ts'
import type { Name } from './snapshot.ts'

type Signs = Pick<RelayConfig, 'signing'>

/**
 * `running` is what the relays have; a domain whose keys are not known now keeps what signs for it there. `left` are domains as
 * which nobody sends any more; their queued mail is signed with keys that the relays have already, and they get no new ones.
 */
export function signingOf(mail: MailDomains, left: MailDomains, running: Signs | undefined, known: Known): Signs {
  const signing = [...bothOf(mail, left)].flatMap(([name, domain]) => {
    const keys = keysNow(name, known)
    if (keys === 'none') return []
    const had = before(name, domain, running)
    if (keys === 'unknown') return had
    const sign = left.has(name) ? atRelays(name, keys.sign, had) : atHand(name, keys, had)
    return entryOf(name, domain, sign, actionOf(name, known))
  })
  return signing.length === 0 ? {} : { signing }
}

type Keys = Required<Pick<DomainKeys, 'sign'>> & Pick<DomainKeys, 'lost'>

function keysNow(name: Name, { domain, snapshot }: Known): Keys | 'none' | 'unknown' {
  const found = domain(name)
  if (found.is !== 'there') return 'unknown'
  const { dkim } = found.object.spec
  if (dkim === undefined || dkim.mode === 'Off') return 'none'
  const { sign, lost } = snapshot.domainKeys?.get(name) ?? {}
  return sign === undefined ? 'unknown' : { sign, ...(lost !== undefined && { lost }) }
}

/** Keys that can sign: one whose private key is lost can, if the relays have a copy of it. */
function atHand(name: Name, { sign, lost = [] }: Keys, had: readonly SigningConfig[]): Keys['sign'] {
  const there = atRelays(name, sign, had)
  return sign.filter((key) => !lost.includes(key.selector) || there.includes(key))
}

function atRelays(name: Name, sign: Keys['sign'], had: readonly SigningConfig[]): Keys['sign'] {
  const files = new Set(had.flatMap(({ keys }) => keys.map(({ keyFile }) => keyFile)))
  return sign.filter((key) => files.has(signingKeyFile(name, key)))
}

const actionOf = (name: Name, { domain }: Known): SigningConfig['whenBroken'] => {
  const found = domain(name)
  return found.is === 'there' ? found.object.spec.whenBroken.action : 'Warn'
}

const before = (name: Name, domain: string, running: Signs | undefined): readonly SigningConfig[] =>
  (running?.signing ?? []).filter((entry) => entry.senderDomain === name && entry.domain === domain)

const entryOf = (
  name: Name,
  domain: string,
  keys: Keys['sign'],
  whenBroken: SigningConfig['whenBroken'],
): readonly SigningConfig[] =>
  // Until the first key is seen in DNS, mail leaves unsigned; but not where the owner has chosen Defer or Refuse: then an entry
  // without keys holds it back.
  keys.length === 0 && whenBroken === 'Warn'
    ? []
    : [
        {
          senderDomain: name,
          domain,
          whenBroken,
          keys: keys.map(({ selector, algorithm, publicKey }) => ({
            selector,
            algorithm: signingAlgorithms[keyTypeOf(algorithm)],
            keyFile: signingKeyFile(name, { selector, publicKey }),
          })),
        },
      ]

/**
 * The file's name, which is also its key in a Secret. All domains share one folder, so the name depends on the domain and on the
 * key.
 */
export const signingKeyFile = (
  name: Name,
  { selector, publicKey }: { readonly selector: string; readonly publicKey: string },
): string => `dkim-${createHash('sha256').update(`${name} ${publicKey}`).digest('hex').slice(0, 12)}-${selector}.pem`
