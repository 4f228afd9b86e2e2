/** What a message needs from a smarthost: checked against its EHLO before anything is sent (RFC 1870, 6152, 6531). */
import { isAscii, parsePath } from '../mail/address.ts'
import type { Envelope } from '../mail/envelope.ts'
import { type Reply, reply } from '../mail/reply.ts'
import { mailWish, rcptWish, wishFor } from '../mail/report-wishes.ts'
import type { Capabilities } from './capabilities.ts'
import type { Content } from './content.ts'

type Need = { readonly envelope: Envelope; readonly content: Pick<Content, 'octets' | 'eightBit' | 'utf8Header'> }
type Check = (can: Capabilities, need: Need, forwardPath: string) => Reply | undefined

const hasControls = (text: string): boolean => /[\x00-\x1f\x7f]/.test(text)

/** The list is the specification: the first reply is the recipient's bounce. */
const checks: readonly Check[] = [
  /** An address that could break out of its command; no smarthost can ever be sent it. */
  (_, { envelope }, forwardPath) =>
    hasControls(envelope.reversePath) || hasControls(forwardPath)
      ? reply(553, '1.3', 'the address holds control characters')
      : undefined,
  (can, { content }) =>
    can.size !== undefined && can.size > 0 && can.size < content.octets
      ? reply(552, '3.4', `the message has ${content.octets} octets and the smarthost takes ${can.size}`)
      : undefined,
  (can, { content }) =>
    content.eightBit && !can.eightBitMime
      ? reply(554, '6.3', 'the content is 8-bit and the smarthost does not offer 8BITMIME')
      : undefined,
  (can, { envelope }, forwardPath) =>
    !can.smtpUtf8 && hasUtf8Address(can, envelope, [forwardPath])
      ? reply(553, '6.7', 'an address is UTF-8 and the smarthost does not offer SMTPUTF8')
      : undefined,
  (can, need) =>
    !can.smtpUtf8 && isUtf8Message(need)
      ? reply(550, '6.9', 'the header is UTF-8 and the smarthost does not offer SMTPUTF8')
      : undefined,
]

export function refusedBeforehand(can: Capabilities, need: Need, forwardPath: string): Reply | undefined {
  for (const check of checks) {
    const refusal = check(can, need, forwardPath)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

const hasUtf8Address = (can: Capabilities, { reversePath }: Envelope, forwardPaths: readonly string[]): boolean =>
  isToldInUtf8(can, reversePath) || forwardPaths.some((path) => isToldInUtf8(can, path))

/** A UTF-8 header that came without SMTPUTF8 goes on as 8-bit content, as it came. */
const isUtf8Message = ({ envelope, content }: Need): boolean => envelope.smtpUtf8 && content.utf8Header

const isToldInUtf8 = (can: Capabilities, path: string): boolean => !isAscii(path) && !isAscii(toldTo(can, path))

/** The address as this smarthost takes it: without SMTPUTF8 a domain is told in its A-labels (RFC 5890 section 2.3.2.1). */
export function toldTo({ smtpUtf8 }: Capabilities, path: string): string {
  const mailbox = !smtpUtf8 && !isAscii(path) ? parsePath(path) : undefined
  return mailbox === undefined ? path : path.slice(0, path.lastIndexOf('@') + 1) + mailbox.domain
}

/** The parameters of MAIL FROM that tell of the message, each with a space before it. */
export function mailParameters(can: Capabilities, need: Need, forwardPaths: readonly string[]): string {
  const { envelope, content } = need
  const size = can.size === undefined ? '' : ` SIZE=${content.octets}`
  const body = can.eightBitMime && (content.eightBit || envelope.body === '8BITMIME') ? ' BODY=8BITMIME' : ''
  const isUtf8 = hasUtf8Address(can, envelope, forwardPaths) || isUtf8Message(need)
  const utf8 = can.smtpUtf8 && isUtf8 ? ' SMTPUTF8' : ''
  return size + body + utf8
}

/** What MAIL asks of the reports on the message, with a space before it; empty where nothing is asked. */
export const mailWishes = ({ dsn }: Capabilities, { wishes }: Envelope): string =>
  dsn && wishes !== undefined ? mailWish(wishes) : ''

/** … and RCPT, for each forward-path, each with a space before it; undefined where nothing is asked. */
export function rcptWishes(
  { dsn }: Capabilities,
  envelope: Envelope,
  forwardPaths: readonly string[],
): readonly string[] | undefined {
  if (!dsn || envelope.wishes?.recipients === undefined) return undefined
  return forwardPaths.map((path) => rcptWish(wishFor(envelope, path) ?? {}))
}
