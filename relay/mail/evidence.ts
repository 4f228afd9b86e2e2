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
      return `${address.slice(0, 1)}***${address.slice(address.lastIndexOf('@'))}`
    case 'Hash':
      return `h:${hash('sha256', address.toLowerCase()).slice(0, 16)}`
  }
}

const anyAddress = /(?:"[^"]*"|[^\s<>()[\],;:"]+)@(?:\[[^\]]*\]|[^\s<>()[\],;:"]+)/g

/** A foreign text for a place that has no say in how addresses are shown. */
export const withoutAddresses = (text: string): string => text.replace(anyAddress, '***')
