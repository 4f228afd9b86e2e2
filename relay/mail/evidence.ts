/** How an address may be shown: in logs hashed so that the same one stays recognisable, masked, or clear. */
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

/** An address is shown in several lines of one message, and often in those of the next ones. */
const known = new Map<string, string>()
const mostKnown = 500

function hashed(address: string): string {
  const before = known.get(address)
  if (before !== undefined) return before
  const made = `h:${hash('sha256', address.toLowerCase()).slice(0, 16)}`
  if (known.size === mostKnown) known.clear()
  // A part of a text keeps all of it, which may be a long reply.
  known.set(Buffer.from(address).toString(), made)
  return made
}

// The second form is that of a query: what refuses by SPF names a page about it, with the address (`?id=user%40example.org`).
const anyAddress =
  /(?:"[^"]*"|[^\s<>()[\],;:"]+)@(?:\[[^\]]*\]|[^\s<>()[\],;:"]+)|[^\s<>()[\],;:"/?&=]+%40[^\s<>()[\],;:"/?&=]+/g

/** A foreign text for a place that has no say in how addresses are shown. */
export const withoutAddresses = (text: string): string => text.replace(anyAddress, '***')

/** A foreign text for the log, with each address in it as the log shows addresses; a full stop behind it is no part of it. */
export const showAddresses = (evidence: AddressEvidence, text: string): string =>
  evidence === 'Clear' || !(text.includes('@') || text.includes('%40'))
    ? text
    : text.replace(anyAddress, (address) => showAddress(evidence, address.replace(/\.$/, '').replace('%40', '@')))
