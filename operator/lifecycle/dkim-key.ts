/** A DKIM key and the stage of its life, as a SenderDomain's status records it. */
import type { KeyType } from './dkim-record.ts'

/**
 * In this order. `Pending`: made, and its record is not seen yet. `Published`: every server that was asked shows its
 * record. `Active`: a relay signs with it, or may. `Retiring`: none does, and its record stays for what is under way.
 * `Retired`: its record and its private key have to go, or are gone.
 */
export const dkimStages = ['Pending', 'Published', 'Active', 'Retiring', 'Retired'] as const
export type DkimStage = (typeof dkimStages)[number]

/** `rsa2048`, `ed25519`. */
export type DkimAlgorithm = `rsa${number}` | 'ed25519'

/** A private key that is at hand. */
export type HeldKey = {
  readonly selector: string
  readonly algorithm: DkimAlgorithm
  /** As p= of the record has it: base64. */
  readonly publicKey: string
}

export type DkimKey = HeldKey & {
  readonly stage: DkimStage
  /** Milliseconds since the epoch. */
  readonly since: number
  /** The name that has its record, where its own name is an alias of that. */
  readonly delegatedTo?: string
}

export const keyTypeOf = (algorithm: DkimAlgorithm): KeyType => (algorithm === 'ed25519' ? 'ed25519' : 'rsa')
