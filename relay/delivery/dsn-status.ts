/** What a report tells programs (RFC 3464, RFC 6533): the fields of the message, and of each recipient. Pure. */
import { isIP } from 'node:net'
import { addressLiteral } from '../mail/address.ts'
import { dateTime } from '../mail/date-time.ts'
import { embedded } from '../mail/embedded-unicode.ts'
import { linesOf } from '../mail/folding.ts'
import { plainHost } from '../mail/plain-host.ts'
import { asSaid, type Reply } from '../mail/reply.ts'
import { plainText, wishFor } from '../mail/report-wishes.ts'
import type { Failure, HandedOn, Report } from './dsn.ts'

/** Per-message fields, then one group for each recipient, with blank lines between them (RFC 3464 section 2.1). */
export function deliveryStatus(report: Report, typed: (address: string) => string): string {
  const { hostname, original, failures, handedOn = [] } = report
  const envid = original.wishes?.envid
  const message = [
    ...(envid === undefined ? [] : [`Original-Envelope-Id: ${plainText(envid)}`]),
    `Reporting-MTA: dns; ${hostname}`,
    `X-Relayfleet-Queue-Id: ${original.queueId}`,
    `Arrival-Date: ${dateTime(original.acceptedAt)}`,
  ]
  const named = (forwardPath: string): readonly string[] => [
    ...originalRecipient(wishFor(original, forwardPath)?.orcpt),
    `Final-Recipient: ${typed(forwardPath)}`,
  ]
  const recipients = [
    ...failures.map((failure) => [...named(failure.forwardPath), ...fieldsOfFailure(failure)]),
    ...handedOn.map((taken) => [...named(taken.forwardPath), ...fieldsOfHandedOn(taken)]),
  ]
  return [...message, ...recipients.flatMap((fields) => ['', ...fields]), ''].join('\r\n')
}

/** As the client named it (RFC 3464 section 2.3.1); of type utf-8 it is in a form of its own (RFC 6533 section 3). */
function originalRecipient(orcpt: string | undefined): readonly string[] {
  if (orcpt === undefined) return []
  const at = orcpt.indexOf(';')
  const [type, address] = [orcpt.slice(0, at), orcpt.slice(at + 1)]
  return [`Original-Recipient: ${type}; ${type.toLowerCase() === 'utf-8' ? address : plainText(address)}`]
}

/** Status is our judgement; only what a server said, as it said it, is told as of type smtp (RFC 3464 sections 2.1.2 and 2.3.6). */
const fieldsOfFailure = ({ givenUp: { reply, last }, at, smarthost }: Failure): readonly string[] => [
  'Action: failed',
  `Status: ${reply.status}`,
  ...(smarthost === undefined || !wasReached(last) ? [] : [`Remote-MTA: dns; ${mtaName(smarthost.host)}`]),
  folded(`Diagnostic-Code: ${last.said === undefined ? 'X-Relayfleet' : 'smtp'}; ${asSaid(last)}`),
  // Absent where no next hop was asked (RFC 3464 section 2.3.7).
  ...(smarthost === undefined ? [] : [`Last-Attempt-Date: ${dateTime(at)}`]),
]

const fieldsOfHandedOn = ({ taken, at, smarthost }: HandedOn): readonly string[] => [
  'Action: relayed',
  `Status: ${taken.status}`,
  ...(smarthost === undefined ? [] : [`Remote-MTA: dns; ${mtaName(smarthost.host)}`]),
  folded(`Diagnostic-Code: smtp; ${asSaid(taken)}`),
  `Last-Attempt-Date: ${dateTime(at)}`,
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

/** An internationalised address in the 7-bit form (RFC 6533 section 3). */
export const sevenBitAddress = (address: string): string =>
  isPrintable(address) ? `rfc822; ${address}` : `utf-8; ${escaped(address)}`

/** … and as it is, but for what no address has. */
export const utf8Address = (address: string): string =>
  isPrintable(address) ? `rfc822; ${address}` : `utf-8; ${escaped(address, /[\x00-\x20\x7f-\xa0]/)}`

const escaped = (text: string, what = /[^\x21-\x7e]|[\\+=]/): string => embedded(text, what)

export const readable = (address: string): string => (isPrintable(address) ? address : escaped(address))
