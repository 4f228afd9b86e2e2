/** A private key that signs mail (RFC 6376, RFC 8463): read strictly, or the reason why it can not be used. Pure. */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import type { SigningKeyConfig } from '../config.ts'
import { parseDomain } from './address.ts'

/** Every receiver can verify these (RFC 8301 section 3.2); longer keys cost four times as much for nothing. */
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

// RFC 6376 section 3.1; it stands in a header, so nothing else is taken.
const selectorForm = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i

/** As PKCS #8 and the form before it say it. */
const encrypted = /^(?:-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED)/m
export const isEncrypted = (pem: string): boolean => encrypted.test(pem)
export const withoutPassphrase = 'it is encrypted, and nobody here has its passphrase: give the key without one'

/** The key, or what is wrong with it; never a part of its text. */
export function readSigningKey(
  domain: string,
  { selector, algorithm }: Pick<SigningKeyConfig, 'selector' | 'algorithm'>,
  pem: string | undefined,
): KeyObject | string {
  if (parseDomain(domain) !== domain) return 'the domain is none in lower-case A-labels'
  if (selector.length > 189 || !selectorForm.test(selector)) return 'the selector is no DNS name'
  if (pem === undefined) return 'the file is not there'
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
