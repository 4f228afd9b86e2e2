/** The Secret that holds the operator's authorities: it is understood wholly, or not used at all. Pure. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { Issued } from '../../ca.ts'
import type { KubeObject, ObjectMeta } from '../api/object.ts'
import { base64, textIn } from '../api/secret-data.ts'
import { managedByLabel, operatorName } from '../write/ownership.ts'
import type { Term } from './authority-rotation.ts'

export type HeldAuthority = Issued & Term

/** The record that the operator reads; and the bundle that clients should trust, for people to copy. */
const keys = { record: 'authorities.json', bundle: 'ca.crt' } as const

/** The certificates in PEM, one after the other. */
export const bundleOf = (held: readonly Issued[]): string =>
  held.map(({ certificate }) => `${certificate.trim()}\n`).join('')

/** The Secret has no owner, since it outlives every fleet. */
export function authoritySecret(
  at: Pick<ObjectMeta, 'namespace' | 'name' | 'uid' | 'resourceVersion'>,
  held: readonly HeldAuthority[],
): KubeObject {
  const record = held.map(({ addedAt, certificate, key }) => ({
    addedAt: new Date(addedAt).toISOString(),
    certificate,
    key,
  }))
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { ...at, labels: { [managedByLabel]: operatorName } },
    type: 'Opaque',
    data: { [keys.record]: base64(JSON.stringify(record)), [keys.bundle]: base64(bundleOf(held)) },
  }
}

/** @throws Error saying what is wrong with it, in words that quote none of it. */
export function authoritiesIn(secret: KubeObject): readonly HeldAuthority[] {
  const text = textIn(secret, keys.record)
  if (text === undefined) throw new Error(`it has no key ${keys.record}`)
  const record = parsed(text)
  if (!Array.isArray(record) || record.length === 0) throw new Error(`${keys.record} is no list of authorities`)
  return record.map(heldAuthority)
}

/** A parser's own message would quote a private key. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`${keys.record} is no JSON`)
  }
}

function heldAuthority(entry: unknown, index: number): HeldAuthority {
  const { addedAt, certificate, key } = (entry ?? {}) as Readonly<Record<string, unknown>>
  const at = typeof addedAt === 'string' ? Date.parse(addedAt) : Number.NaN
  if (Number.isNaN(at)) throw new Error(`${keys.record}[${index}].addedAt is no time`)
  if (typeof certificate !== 'string' || typeof key !== 'string' || !belongTogether(certificate, key)) {
    throw new Error(`${keys.record}[${index}] has no certificate of an authority with its private key`)
  }
  return { addedAt: at, endsAt: endOf(certificate), certificate, key }
}

function belongTogether(certificate: string, key: string): boolean {
  try {
    const parsedCertificate = new X509Certificate(certificate)
    return parsedCertificate.ca && parsedCertificate.checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

const endOf = (certificate: string): number => new X509Certificate(certificate).validToDate.getTime()

/** A new authority as it is added to the others; `now` is in milliseconds since the epoch. */
export const added = (fresh: Issued, now: number): HeldAuthority => ({
  ...fresh,
  addedAt: now,
  endsAt: endOf(fresh.certificate),
})
