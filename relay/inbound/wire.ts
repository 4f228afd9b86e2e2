/** Between our replies and smtp-server's: ours become its errors, what it says by itself becomes ours. Pure. */
import { type Reply, reply } from '../mail/reply.ts'
import { type Refusal, refusal } from '../mail/rule.ts'
import { protocol } from './protocol.ts'

/** smtp-server reads `responseCode` and `message` only, so the enhanced status travels in the text. */
export const toWire = (r: Reply): Error => Object.assign(new Error(`${r.status} ${r.text}`), { responseCode: r.code })

export type Said =
  /** Goes out as it is. */
  { readonly kind: 'text'; readonly text: string } | { readonly kind: 'refusal'; readonly refusal: Refusal }

const ours = /^[245]\.\d{1,3}\.\d{1,3} /

/** The replies that smtp-server makes without asking us; the first line that fits decides. */
const refusals: readonly (readonly [code: number, text: RegExp, becomes: Refusal])[] = [
  [421, /^Timeout/, refusal('always.idle')],
  [421, /unrecognized commands/, refusal('always.errors')],
  [421, /too soon/, refusal('always.synchronization')],
  [421, /HTTP/, protocol.notSmtp],
  [421, /shutting down/, refusal('always.shutdown')],
  [421, /too long/, protocol.lineTooLong],
  [421, /./, refusal('always.unavailable')],
  [451, /./, refusal('always.unavailable')],
  [500, /./, protocol.unknownCommand],
  [501, /VRFY/, refusal('always.syntax', 'VRFY takes an address')],
  [503, /TLS already/, protocol.tlsAlready],
  [503, /EHLO first/, protocol.helloFirst],
]

/** What to say instead of what smtp-server says. */
export function fromServer(code: number, text: string): Said {
  if (ours.test(text) || code === 334 || code === 354) return { kind: 'text', text }
  if (code < 400) return { kind: 'text', text: `${reply(code, '0.0', '').status} ${text}` }
  const found = refusals.find(([c, pattern]) => c === code && pattern.test(text))
  return { kind: 'refusal', refusal: found?.[2] ?? refusal(code < 500 ? 'always.unavailable' : 'always.syntax') }
}
