/** Reads the keys that the operator has made and kept: one file, or key of a Secret, for each, named after its selector. */
import type { HeldKey } from './dkim-key.ts'
import { readHeldKey, selectorIn } from './held-key.ts'

export type HeldPem = HeldKey & { readonly pem: string }

export type OwnKeysRead =
  | { readonly is: 'whole'; readonly keys: readonly HeldPem[] }
  /** The place must not be written to then, as it is not known what would be lost. */
  | { readonly is: 'damaged'; readonly why: string }

/** Far more than the operator makes. Others may have filled the Secret, and reading each key takes time. */
const mostRead = 64

export function ownKeysIn(domain: string, files: ReadonlyMap<string, string>): OwnKeysRead {
  if (files.size > mostRead)
    return { is: 'damaged', why: `it has ${files.size} keys, and ${mostRead} are the most that are made` }
  const keys: HeldPem[] = []
  for (const [file, pem] of files) {
    const held = readHeldKey(domain, selectorIn(file), pem)
    if (typeof held === 'string') return { is: 'damaged', why: `${file}: ${held}` }
    keys.push({ ...held, pem })
  }
  return { is: 'whole', keys }
}
