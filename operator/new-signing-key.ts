/** Makes a private key for DKIM: RSA with 2048 bits (RFC 8301 section 3.2), or Ed25519 (RFC 8463). */
import { generateKeyPair, type KeyPairKeyObjectResult, randomInt } from 'node:crypto'
import { promisify } from 'node:util'
import type { KeyType } from './lifecycle/dkim-record.ts'
import { type Naming, newSelector } from './lifecycle/dkim-selector.ts'
import type { NewKey } from './lifecycle/dkim-step.ts'
import { readHeldKey } from './lifecycle/held-key.ts'
import type { HeldPem } from './lifecycle/own-keys.ts'

const generate = promisify(generateKeyPair)

const pairs: Readonly<Record<KeyType, () => Promise<KeyPairKeyObjectResult>>> = {
  rsa: () => generate('rsa', { modulusLength: 2048 }),
  ed25519: () => generate('ed25519', {}),
}

/** Without a selector, the key gets one that has never been used. */
export async function newSigningKey(
  domain: string,
  { type, selector }: NewKey,
  naming: Omit<Naming, 'chance'>,
): Promise<HeldPem> {
  const { privateKey } = await pairs[type]()
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const held = readHeldKey(domain, selector ?? newSelector(type, { ...naming, chance: chance() }), pem)
  if (typeof held === 'string') throw new Error(`a new key for ${domain} can not be used: ${held}`)
  return { ...held, pem }
}

const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789'

/** Five random letters and digits; those that are easily mistaken for each other (l and 1, o and 0) are left out. */
const chance = (): string => Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join('')
