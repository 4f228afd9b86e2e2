/** A delivery status notification: what became of a message, for people and for programs (RFC 3464, RFC 6522). */
import { isAscii, isUtf8 } from 'node:buffer'
import MimeNode from 'nodemailer/lib/mime-node'
import { dateTime } from '../mail/date-time.ts'
import type { Envelope } from '../mail/envelope.ts'
import type { Reply } from '../mail/reply.ts'
import type { GivenUp } from './decide.ts'
import { deliveryStatus, sevenBitAddress, utf8Address } from './dsn-status.ts'
import { explanation } from './dsn-text.ts'

type Told = {
  readonly forwardPath: string
  /** When, in milliseconds since the epoch by the wall clock: with the end of the last attempt, if there was one. */
  readonly at: number
  /** Where the last attempt went; absent where it was given up without one. An exchanger has no name but its host's. */
  readonly smarthost?: { readonly name?: string; readonly host: string; readonly port: number }
}

/** Who is given up. */
export type Failure = Told & {
  readonly givenUp: GivenUp
  readonly attempts: number
  /** Attempts that may have made a copy. */
  readonly ambiguous: number
}

/** Whom a next hop has taken that makes no reports: no more will be known. */
export type HandedOn = Told & {
  /** The next hop's reply to the content. */
  readonly taken: Reply
}

export type Report = {
  readonly dsnQueueId: string
  /** The relay's name. */
  readonly hostname: string
  /** Milliseconds since the epoch, by the wall clock. */
  readonly now: number
  readonly original: Envelope
  readonly failures: readonly Failure[]
  readonly handedOn?: readonly HandedOn[]
  /** The header block of the original, without its blank line. */
  readonly header: Buffer
  /** All of the original, where it is to be returned. */
  readonly whole?: Buffer | undefined
}

/** 7-bit from end to end, so that every smarthost takes it. */
export function composeDsn(report: Report): Promise<Buffer> {
  const { hostname, dsnQueueId, now, original } = report
  const root = new MimeNode('multipart/report; report-type=delivery-status', {
    baseBoundary: dsnQueueId,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const header = report.header.toString('latin1')
  const messageId = messageIdIn(header)
  root.setHeader([
    { key: 'From', value: `Mail Delivery System <MAILER-DAEMON@${hostname}>` },
    { key: 'To', value: isPlainAddress(original.reversePath) ? original.reversePath : 'undisclosed-recipients:;' },
    { key: 'Subject', value: report.failures.length > 0 ? undelivered : handedOn },
    { key: 'Date', value: dateTime(now) },
    { key: 'Message-ID', value: `<${dsnQueueId}@${hostname}>` },
    ...(messageId === undefined ? [] : [{ key: 'References', value: messageId }]),
    { key: 'Auto-Submitted', value: 'auto-replied' },
  ])
  const whole = returned(report)
  root.createChild('text/plain; charset=us-ascii').setContent(explanation(report, whole !== undefined))
  addStatus(root, report)
  if (whole === undefined) addHeader(root, header, report)
  else addAsItIs(root, 'message/rfc822', whole)
  return root.build()
}

/** 8-bit content is not returned: to encode it would make another message of it. */
function returned({ whole }: Report): string | undefined {
  const content = whole?.toString('latin1')
  return content !== undefined && sevenBit.test(content) ? content : undefined
}

const undelivered = 'Undelivered: your message did not reach every recipient'
const handedOn = 'Handed on: your message has left this relay'

/** So that it is legal 7-bit content: US-ASCII, in lines that are not too long (RFC 2045 section 2.7). */
const sevenBit = /^(?:[\t -~]{0,998}\r\n)*$/

/**
 * In the 7-bit form of an internationalised address, each + of it takes six characters, and the line may be too long. Then it stands
 * as it is, in the part of that type, which may be encoded (RFC 6533 sections 3 and 4).
 */
function addStatus(root: MimeNode, report: Report): void {
  const status = deliveryStatus(report, sevenBitAddress)
  if (sevenBit.test(status)) root.createChild('message/delivery-status').setContent(status)
  else {
    const content = Buffer.from(deliveryStatus(report, utf8Address))
    const part = root.createChild('message/global-delivery-status')
    part.setHeader('Content-Transfer-Encoding', 'quoted-printable').setContent(content)
  }
}

/**
 * The original's header as it is, where that is legal: only else is it encoded (RFC 6522 section 4), since programs look in it for
 * fields of their own, and not all of them decode it. nodemailer would encode it for each line of more than 76 characters. The
 * header of an internationalised message has a type of its own, which may be encoded, too (RFC 6533 sections 4 and 5).
 */
function addHeader(root: MimeNode, text: string, { header, original }: Report): void {
  if (sevenBit.test(text)) {
    addAsItIs(root, plainType, text)
    return
  }
  const isGlobal = original.smtpUtf8 && isUtf8(header) && !isAscii(header)
  const part = root.createChild(isGlobal ? 'message/global-headers' : plainType)
  part.setHeader('Content-Transfer-Encoding', 'quoted-printable').setContent(header)
}
const plainType = 'text/rfc822-headers'

function addAsItIs(root: MimeNode, type: string, text: string): void {
  root.createChild(type).setRaw(`Content-Type: ${type}\r\nContent-Transfer-Encoding: 7bit\r\n\r\n${text}`)
}

/** An address that can stand in a header as it is; any other is left out of To. */
const isPlainAddress = (address: string): boolean => /^[\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+$/.test(address)

const messageIdIn = (header: string): string | undefined =>
  /^message-id:\s*(<[\x21-\x3d\x3f-\x7e]{1,250}>)\s*$/im.exec(header)?.[1]
