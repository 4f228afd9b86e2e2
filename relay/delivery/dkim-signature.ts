/** The text of a DKIM-Signature field, folded, and what of it is hashed (RFC 6376 sections 3.5 and 3.7). Pure. */
import type { SigningKeyConfig } from '../config.ts'
import { linesOf } from '../mail/folding.ts'
import { relaxedField } from './dkim-header.ts'

export type Tags = Pick<SigningKeyConfig, 'selector' | 'algorithm'> & {
  readonly domain: string
  /** Header fields that are covered. */
  readonly names: readonly string[]
  readonly bodyHash: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Longer than next hops keep mail (RFC 5321 section 4.5.4.1: at least 4 to 5 days), and no longer than need be. */
const validForSeconds = 7 * 86_400
const width = 76

/** The value of the field up to `b=`. The signature is made of this, as a verifier hashes it, and put behind it. */
export function unsigned({ algorithm, domain, selector, names, bodyHash, now }: Tags): string {
  const at = Math.floor(now / 1000)
  return [
    `v=1; a=${algorithm}; c=relaxed/relaxed; d=${domain};`,
    `s=${selector}; t=${at}; x=${at + validForSeconds};`,
    `h=${foldedNames(names)};`,
    `bh=${bodyHash};`,
    'b=',
  ].join('\r\n\t')
}

/** What is hashed behind the covered fields; the last line has no CR LF. */
export const hashedOf = (value: string): string => relaxedField('DKIM-Signature', value)

/** With its CR LF. */
export const signedField = (value: string, signature: Buffer): string =>
  `DKIM-Signature: ${value}${(signature.toString('base64').match(/.{1,72}/g) ?? []).join('\r\n\t ')}\r\n`

function foldedNames(names: readonly string[]): string {
  const parts = names.map((name, i) => (i === names.length - 1 ? name : `${name}:`))
  return linesOf(parts, width).join('\r\n\t ')
}
