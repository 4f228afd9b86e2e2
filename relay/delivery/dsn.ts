/** A delivery status notification: what failed, why, and what to do, for people and for programs (RFC 3464, RFC 6522). */
import { isAscii, isUtf8 } from 'node:buffer'
import { isIP } from 'node:net'
import MimeNode from 'nodemailer/lib/mime-node'
import { addressLiteral } from '../mail/address.ts'
import { dateTime } from '../mail/date-time.ts'
import type { Envelope } from '../mail/envelope.ts'
import { linesOf } from '../mail/folding.ts'
import { plainHost } from '../mail/plain-host.ts'
import { asSaid, type Reply } from '../mail/reply.ts'
import type { GivenUp } from './decide.ts'
import { adviceFor } from './dsn-advice.ts'

export type Failure = {
  readonly forwardPath: string
  readonly givenUp: GivenUp
  /** When, in milliseconds since the epoch by the wall clock: with the end of the last attempt, if there was one. */
  readonly at: number
  readonly attempts: number
  /** Attempts that may have made a copy. */
  readonly ambiguous: number
  /** Where the last attempt went; absent where it was given up without one. An exchanger has no name but its host's. */
  readonly smarthost?: { readonly name?: string; readonly host: string; readonly port: number }
}

export type Report = {
  readonly dsnQueueId: string
  /** The relay's name. */
  readonly hostname: string
  /** Milliseconds since the epoch, by the wall clock. */
  readonly now: number
  readonly original: Envelope
  readonly failures: readonly Failure[]
  /** The header block of the original, without its blank line. */
  readonly header: Buffer
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
    { key: 'Subject', value: 'Undelivered: your message did not reach every recipient' },
    { key: 'Date', value: dateTime(now) },
    { key: 'Message-ID', value: `<${dsnQueueId}@${hostname}>` },
    ...(messageId === undefined ? [] : [{ key: 'References', value: messageId }]),
    { key: 'Auto-Submitted', value: 'auto-replied' },
  ])
  root.createChild('text/plain; charset=us-ascii').setContent(explanation(report))
  addStatus(root, report)
  addHeader(root, header, report)
  return root.build()
}

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
    root.createChild(plainType).setRaw(`Content-Type: ${plainType}\r\nContent-Transfer-Encoding: 7bit\r\n\r\n${text}`)
    return
  }
  const isGlobal = original.smtpUtf8 && isUtf8(header) && !isAscii(header)
  const part = root.createChild(isGlobal ? 'message/global-headers' : plainType)
  part.setHeader('Content-Transfer-Encoding', 'quoted-printable').setContent(header)
}
const plainType = 'text/rfc822-headers'

function explanation({ hostname, original, failures }: Report): string {
  const accepted = new Date(original.acceptedAt).toUTCString()
  return [
    `This is the mail relay ${hostname}.`,
    '',
    `Your message of ${accepted} (queue id ${original.queueId})`,
    failures.length === 1 ? 'could not be delivered to:' : `could not be delivered to ${failures.length} recipients:`,
    ...failures.flatMap((failure) => ['', ...explain(failure)]),
    '',
    'Other recipients, if there were any, are not concerned.',
    'The header of your message is attached.',
    '',
  ].join('\r\n')
}

function explain({ forwardPath, givenUp, attempts, ambiguous, smarthost }: Failure): readonly string[] {
  const { because, reply, last } = givenUp
  const at = smarthost === undefined ? 'this relay' : placeOf(smarthost)
  const tried = attempts === 1 ? 'once' : `${attempts} times`
  const unasked =
    attempts === 0
      ? 'Its time was over while no attempt could be made:'
      : `It was tried ${tried}, and its time was over while no other attempt could be made:`
  const expired =
    smarthost === undefined ? unasked : `It was tried ${tried} until its time was over; the last time at ${at}:`
  const why = because === 'refused' ? `It was refused at ${at}:` : expired
  const copies =
    ambiguous === 0
      ? []
      : [`  ${ambiguous} of the attempts ended without an answer: a copy may have arrived all the same.`]
  return [`  <${readable(forwardPath)}>`, `  ${why}`, `    ${asSaid(last)}`, ...copies, `  ${adviceFor(reply.status)}`]
}

const placeOf = ({ name, host, port }: NonNullable<Failure['smarthost']>): string =>
  name === undefined ? `exchanger ${host}` : `smarthost ${name} (${host}:${port})`

/** Per-message fields, then one group for each recipient, with blank lines between them (RFC 3464 section 2.1). */
function deliveryStatus({ hostname, original, failures }: Report, typed: (address: string) => string): string {
  const message = [
    `Reporting-MTA: dns; ${hostname}`,
    `X-Relayfleet-Queue-Id: ${original.queueId}`,
    `Arrival-Date: ${dateTime(original.acceptedAt)}`,
  ]
  const recipients = failures.flatMap((failure) => ['', ...recipientFields(failure, typed(failure.forwardPath))])
  return [...message, ...recipients, ''].join('\r\n')
}

/** Status is our judgement; only what a server said, as it said it, is told as of type smtp (RFC 3464 sections 2.1.2 and 2.3.6). */
const recipientFields = (
  { givenUp: { reply, last }, at, smarthost }: Failure,
  finalRecipient: string,
): readonly string[] => [
  `Final-Recipient: ${finalRecipient}`,
  'Action: failed',
  `Status: ${reply.status}`,
  ...(smarthost === undefined || !wasReached(last) ? [] : [`Remote-MTA: dns; ${mtaName(smarthost.host)}`]),
  folded(`Diagnostic-Code: ${last.said === undefined ? 'X-Relayfleet' : 'smtp'}; ${asSaid(last)}`),
  // Absent where no next hop was asked (RFC 3464 section 2.3.7).
  ...(smarthost === undefined ? [] : [`Last-Attempt-Date: ${dateTime(at)}`]),
]

/**
 * A host that was not found in DNS, or did not take a connection, had no part in the attempt, and must not stand as its MTA (RFC 3464
 * section 2.3.5). In our own words these two statuses mean that (RFC 3463 section 3.5).
 */
const wasReached = ({ said, status }: Reply): boolean =>
  said !== undefined || (status !== '4.4.1' && status !== '4.4.3')

/** Broken before a space where a line would have more than 78 characters: unfolded, it is what it was (RFC 5322 section 2.2.3). */
const folded = (field: string): string => linesOf(field.split(/(?= [^ ])/), 78).join('\r\n')

/** An address stands there as its literal (RFC 3464 section 2.1.2). */
const mtaName = (host: string): string => (isIP(host) === 0 ? plainHost(host) : addressLiteral(host))

const isPrintable = (text: string): boolean => /^[\x20-\x7e]*$/.test(text)

/** An address that can stand in a header as it is; any other is left out of To. */
const isPlainAddress = (address: string): boolean => /^[\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+$/.test(address)

/** An internationalised address in the 7-bit form (RFC 6533 section 3). */
const sevenBitAddress = (address: string): string =>
  isPrintable(address) ? `rfc822; ${address}` : `utf-8; ${escaped(address)}`

/** … and as it is, but for what no address has. */
const utf8Address = (address: string): string =>
  isPrintable(address) ? `rfc822; ${address}` : `utf-8; ${escaped(address, /[\x00-\x20\x7f-\xa0]/)}`

const escaped = (text: string, what = /[^\x21-\x7e]|[\\+=]/): string =>
  Array.from(text, (c) => (what.test(c) ? `\\x{${codeOf(c)}}` : c)).join('')

const codeOf = (character: string): string =>
  (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(2, '0')

const readable = (address: string): string => (isPrintable(address) ? address : escaped(address))

const messageIdIn = (header: string): string | undefined =>
  /^message-id:\s*(<[\x21-\x3d\x3f-\x7e]{1,250}>)\s*$/im.exec(header)?.[1]
