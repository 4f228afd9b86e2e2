/** How a mail address is shown in logs: hashed (the same address always looks the same), masked, or in clear. */
import { hash } from 'node:crypto'

export type AddressEvidence = 'Hash' | 'Mask' | 'Clear'

/** `user@example.org` as `h:2f3c…@h:…`, `u***@example.org` or itself; the null reverse-path stays `<>`. */
export function showAddress(evidence: AddressEvidence, address: string): string {
  if (address === '') return '<>'
  switch (evidence) {
    case 'Clear':
      return address
    case 'Mask':
      return `${address.slice(0, 1).toWellFormed()}***${address.slice(address.lastIndexOf('@'))}`
    case 'Hash':
      return hashed(address)
  }
}

/** Hashes that were made: an address stands in several lines of one message, and often in those of the next ones. */
const known = new Map<string, string>()
const mostKnown = 500

function hashed(address: string): string {
  const before = known.get(address)
  if (before !== undefined) return before
  const made = `h:${hash('sha256', address.toLowerCase()).slice(0, 16)}`
  if (known.size === mostKnown) known.clear()
  // A copy as the key: an address that was cut out of a long reply would keep all of that reply in memory.
  known.set(Buffer.from(address).toString(), made)
  return made
}

// The second form is for URLs: servers that refuse by SPF name a page about it, with the address in it (`?id=user%40example.org`).
const anyAddress =
  /(?:"[^"]*"|[^\s<>()[\],;:"]+)@(?:\[[^\]]*\]|[^\s<>()[\],;:"]+)|[^\s<>()[\],;:"/?&=]+%40[^\s<>()[\],;:"/?&=]+/g

/**
 * A foreign text with every address in it replaced, for a place in which the policy's `evidence` does not say how they are shown.
 */
export const withoutAddresses = (text: string): string => text.replace(anyAddress, '***')

/**
 * A foreign text (e.g. a next hop's reply) with each address in it shown as the log shows addresses; a final full stop is no part
 * of one.
 */
export const showAddresses = (evidence: AddressEvidence, text: string): string =>
  evidence === 'Clear' || !(text.includes('@') || text.includes('%40'))
    ? text
    : text.replace(anyAddress, (address) => showAddress(evidence, address.replace(/\.$/, '').replace('%40', '@')))
