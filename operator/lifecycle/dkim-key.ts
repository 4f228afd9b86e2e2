/** A DKIM key and its stage, as a SenderDomain's status records it. */
import type { KeyType } from './dkim-record.ts'

/**
 * In the order of a key's life (decision 0035). `Pending`: made, and its DNS record is not seen yet. `Published`: every server
 * that was asked shows the record. `Active`: a relay signs with it, or may. `Retiring`: no relay signs with it any more, and its
 * record stays for mail that is under way. `Retired`: its record and its private key have to be removed, or are gone.
 */
export const dkimStages = ['Pending', 'Published', 'Active', 'Retiring', 'Retired'] as const
export type DkimStage = (typeof dkimStages)[number]

/** `rsa2048`, `ed25519`. */
export type DkimAlgorithm = `rsa${number}` | 'ed25519'

/** A key whose private part is at hand; here are only its public facts. */
export type HeldKey = {
  readonly selector: string
  readonly algorithm: DkimAlgorithm
  /** In base64, as in the tag p= of its record. */
  readonly publicKey: string
}

/** Whether both are the same key under the same selector, whatever is known of its stage. */
export const isSameKey = (a: HeldKey, b: HeldKey): boolean => a.selector === b.selector && a.publicKey === b.publicKey

export type DkimKey = HeldKey & {
  readonly stage: DkimStage
  /** Milliseconds since the epoch. */
  readonly since: number
  /** The name that has its record, where the selector is delegated to it by a CNAME. */
  readonly delegatedTo?: string
}

export const keyTypeOf = (algorithm: DkimAlgorithm): KeyType => (algorithm === 'ed25519' ? 'ed25519' : 'rsa')
