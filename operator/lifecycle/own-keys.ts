/** The keys in the place where they are kept after they were made: a file of each by its selector. */
import type { HeldKey } from './dkim-key.ts'
import { readHeldKey, selectorIn } from './held-key.ts'

export type HeldPem = HeldKey & { readonly pem: string }

export type OwnKeysRead =
  | { readonly is: 'whole'; readonly keys: readonly HeldPem[] }
  /** Nothing is written over it: nobody knows what is lost. */
  | { readonly is: 'damaged'; readonly why: string }

/** Far more than there ever are: the Secret may have been filled by somebody else, and each takes its time to be read. */
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
