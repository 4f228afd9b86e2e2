/** A private key that signs mail (RFC 6376, RFC 8463): read strictly, or the reason why it can not be used. Pure. */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import type { SigningKeyConfig } from '../config.ts'
import { parseDomain } from './address.ts'

/**
 * Lengths that every receiver can verify (RFC 8301 section 3.2); signing with longer keys costs four times as much, for nothing.
 */
const rsaBits = { least: 1024, most: 4096 } as const

type Requirement = {
  readonly type: KeyObject['asymmetricKeyType']
  readonly problem: (key: KeyObject) => string | undefined
}

const requirements: Readonly<Record<SigningKeyConfig['algorithm'], Requirement>> = {
  'rsa-sha256': {
    type: 'rsa',
    problem: ({ asymmetricKeyDetails }) => {
      const bits = asymmetricKeyDetails?.modulusLength ?? 0
      return bits < rsaBits.least || bits > rsaBits.most
        ? `it has ${bits} bits where ${rsaBits.least} to ${rsaBits.most} are of use`
        : undefined
    },
  },
  'ed25519-sha256': { type: 'ed25519', problem: () => undefined },
}

// RFC 6376 section 3.1. A selector stands in a header of each message, so nothing but this form is taken.
const selectorForm = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i

/** How a PEM file says that it is encrypted: in PKCS #8, and in the traditional form before that. */
const encrypted = /^(?:-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED)/m
export const isEncrypted = (pem: string): boolean => encrypted.test(pem)
export const withoutPassphrase = 'it is encrypted, and nobody here has its passphrase: give the key without one'

/** The key, or in words what is wrong with it, which never hold a part of its text. `pem` undefined: there is no such file. */
export function readSigningKey(
  domain: string,
  { selector, algorithm }: Pick<SigningKeyConfig, 'selector' | 'algorithm'>,
  pem: string | undefined,
): KeyObject | string {
  if (parseDomain(domain) !== domain) return 'the domain is none in lower-case A-labels'
  if (selector.length > 189 || !selectorForm.test(selector)) return 'the selector is no DNS name'
  if (pem === undefined) return 'its file is not there, or not readable'
  const key = privateKeyIn(pem)
  if (key === undefined) return isEncrypted(pem) ? withoutPassphrase : 'it is no private key in PEM'
  const { type, problem } = requirements[algorithm]
  if (key.asymmetricKeyType !== type) return `it is of type ${key.asymmetricKeyType} where ${algorithm} needs ${type}`
  return problem(key) ?? key
}

function privateKeyIn(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    return undefined
  }
}
