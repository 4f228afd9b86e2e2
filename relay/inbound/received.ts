/** Our own Received field (RFC 5321 section 4.4). Pure. */
import { addressLiteral, isAddressLiteral, isAscii } from '../mail/address.ts'
import { dateTime } from '../mail/date-time.ts'
import { withoutZone } from '../rules/networks.ts'

export type Trace = {
  readonly hostname: string
  readonly queueId: string
  readonly client: { readonly address: string; readonly helo: string; readonly tls: string }
  readonly smtpUtf8: boolean
  readonly forwardPaths: readonly string[]
  /** Milliseconds since the epoch. */
  readonly at: number
}

/**
 * The field with its final CR LF. A recipient is named in it (`for`) only where it is the only one, since each would learn of the
 * others; and only in ASCII, since any other header needs SMTPUTF8 at every next hop (RFC 6532), also after a redirect to ASCII.
 */
export function receivedHeader(r: Trace): string {
  // An address literal has no zone: `fe80::1%eth0` names an interface of this node.
  const literal = addressLiteral(withoutZone(r.client.address))
  const by = `${r.hostname} with ${r.smtpUtf8 ? 'UTF8SMTPSA' : 'ESMTPSA'} (${r.client.tls}) id ${r.queueId}`
  const [only] = r.forwardPaths
  const forOne = only !== undefined && r.forwardPaths.length === 1 && isAscii(only) ? `\r\n\tfor <${only}>` : ''
  const from = `${hostOr(r.client.helo, literal)} (${literal})`
  return `Received: from ${from}\r\n\tby ${by}${forOne}; ${dateTime(r.at)}\r\n`
}

/** What the client calls itself, if that is a domain or an address literal; else the literal of its address. */
const hostOr = (helo: string, literal: string): string => (domain.test(helo) || isAddressLiteral(helo) ? helo : literal)
const domain = /^[A-Za-z\d](?:[A-Za-z\d-]*[A-Za-z\d])?(?:\.[A-Za-z\d](?:[A-Za-z\d-]*[A-Za-z\d])?)*$/
