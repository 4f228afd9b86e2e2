/** Reads a private key strictly: yields its public facts, or why it can not be used, in words that never quote the key. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import type { SigningKeyConfig } from '../../relay/config.ts'
import { readSigningKey } from '../../relay/mail/signing-key.ts'
import { type DkimAlgorithm, type HeldKey, keyTypeOf } from './dkim-key.ts'
import type { KeyType } from './dkim-record.ts'
import { selectorName } from './records-wanted.ts'

/** The name of each kind of key's algorithm in the relays' configuration (RFC 6376, RFC 8463). */
export const signingAlgorithms: Readonly<Record<KeyType, SigningKeyConfig['algorithm']>> = {
  rsa: 'rsa-sha256',
  ed25519: 'ed25519-sha256',
}

/** The selector in the name of a Secret's key or a file, which may have the ending that openssl or opendkim gives it. */
export const selectorIn = (key: string): string => key.replace(/\.(pem|private|key)$/, '')

/** RFC 1035 section 2.3.4. */
const longestName = 253

export function readHeldKey(domain: string, selector: string, pem: string): HeldKey | string {
  const { length } = selectorName(selector, domain)
  if (length > longestName)
    return `its record would have a name of ${length} octets, and DNS takes ${longestName}: give it a shorter selector`
  const algorithm = algorithmOf(pem)
  // The very function that relays read keys with, so a key that passes here can be used there.
  const read = readSigningKey(
    domain,
    { selector, algorithm: signingAlgorithms[algorithm === undefined ? 'rsa' : keyTypeOf(algorithm)] },
    pem,
  )
  if (typeof read === 'string') return read
  return algorithm === undefined ? 'it is of no known kind' : { selector, algorithm, publicKey: publicKeyOf(read) }
}

function algorithmOf(pem: string): DkimAlgorithm | undefined {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPrivateKey(pem)
    if (asymmetricKeyType === 'ed25519') return 'ed25519'
    return asymmetricKeyType === 'rsa' ? `rsa${asymmetricKeyDetails?.modulusLength ?? 0}` : undefined
  } catch {
    return undefined
  }
}

/** The value of p=: for RSA the whole SubjectPublicKeyInfo, for Ed25519 only the 32 octets of the key (RFC 8463 section 4). */
function publicKeyOf(key: KeyObject): string {
  const der = createPublicKey(key).export({ type: 'spki', format: 'der' })
  return (key.asymmetricKeyType === 'ed25519' ? der.subarray(-32) : der).toString('base64')
}
