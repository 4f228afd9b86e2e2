/** A private key in a Secret, read strictly: what its record has to say, or why it can not be used. Never a part of its text. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import type { SigningKeyConfig } from '../../relay/config.ts'
import { readSigningKey } from '../../relay/mail/signing-key.ts'
import { type DkimAlgorithm, type HeldKey, keyTypeOf } from './dkim-key.ts'
import type { KeyType } from './dkim-record.ts'

/** What the relays call the algorithm of a key. */
export const signingAlgorithms: Readonly<Record<KeyType, SigningKeyConfig['algorithm']>> = {
  rsa: 'rsa-sha256',
  ed25519: 'ed25519-sha256',
}

/** The file may be called after its selector, as openssl and opendkim write it. */
export const selectorIn = (key: string): string => key.replace(/\.(pem|private|key)$/, '')

export function readHeldKey(domain: string, selector: string, pem: string): HeldKey | string {
  const algorithm = algorithmOf(pem)
  // Whatever it is, the relays read it once more, as strictly.
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

/** As p= has it: of RSA the whole SubjectPublicKeyInfo, of Ed25519 the 32 octets alone (RFC 8463 section 4). */
function publicKeyOf(key: KeyObject): string {
  const der = createPublicKey(key).export({ type: 'spki', format: 'der' })
  return (key.asymmetricKeyType === 'ed25519' ? der.subarray(-32) : der).toString('base64')
}
