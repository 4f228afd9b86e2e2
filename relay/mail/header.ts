/** The header block, strictly (RFC 5322 section 2.2): what two parsers could read differently is not a header. */
import { type Mailbox, parsePath } from './address.ts'

export type Field = {
  /** In lower case. */
  readonly name: string
  /** Unfolded, without the white space around it. */
  readonly value: string
  /** Octet offsets in the block: of the name, and after the CRLF that ends the field. */
  readonly start: number
  readonly end: number
}

export type ParsedHeader =
  | { readonly ok: true; readonly fields: readonly Field[] }
  | { readonly ok: false; readonly why: string }

export type ParsedFrom =
  | { readonly ok: true; readonly mailbox: Mailbox; readonly displayName: string }
  | { readonly ok: false; readonly why: string }

/** The offset after the blank line that ends the header, or -1; octets before `from` were searched already. */
export function headerEnd(bytes: Buffer, from = 0): number {
  if (bytes[0] === 13 && bytes[1] === 10) return 2
  const at = bytes.indexOf('\r\n\r\n', Math.max(0, from - 3))
  return at === -1 ? -1 : at + 4
}

/** The fields of a header block, with or without its final blank line. */
export function parseHeader(block: Buffer): ParsedHeader {
  const fields: Field[] = []
  const text = block.toString('latin1')
  for (const match of text.matchAll(/([!-9;-~]+):((?:[^\r\n]|\r\n[ \t])*)\r\n/g)) {
    const [whole, name = '', value = ''] = match
    const unfolded = value.replaceAll('\r\n', '').trim()
    fields.push({ name: name.toLowerCase(), value: unfolded, start: match.index, end: match.index + whole.length })
  }
  return { ok: true, fields }
}

/** The one mailbox of a From. */
export function parseFrom(value: string): ParsedFrom {
  const [, displayName = '', address = ''] = /^([^<]*)<([^>]*)>$/.exec(value) ?? ['', '', value]
  const mailbox = parsePath(address)
  return mailbox ? { ok: true, mailbox, displayName: displayName.trim() } : { ok: false, why: 'no plain mailbox' }
}
