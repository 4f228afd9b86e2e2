/** Our trace field (RFC 5321 section 4.4). Pure. */
import { addressLiteral, isAscii } from '../mail/address.ts'
import { dateTime } from '../mail/date-time.ts'
import { withoutZone } from '../rules/networks.ts'

export type Reception = {
  readonly hostname: string
  readonly queueId: string
  readonly client: { readonly address: string; readonly helo: string; readonly tls: string }
  readonly smtpUtf8: boolean
  readonly forwardPaths: readonly string[]
  /** Milliseconds since the epoch. */
  readonly at: number
}

/**
 * The field with its final CR LF. Several recipients are not named: each would learn of the others. Nor is one beyond ASCII:
 * the header would need SMTPUTF8 at every next hop (RFC 6532), also where its recipient is redirected to one that does not.
 */
export function receivedHeader(r: Reception): string {
  // A literal has no zone: it is an interface of this node.
  const literal = addressLiteral(withoutZone(r.client.address))
  const by = `${r.hostname} with ${r.smtpUtf8 ? 'UTF8SMTPSA' : 'ESMTPSA'} (${r.client.tls}) id ${r.queueId}`
  const [only] = r.forwardPaths
  const forOne = only !== undefined && r.forwardPaths.length === 1 && isAscii(only) ? `\r\n\tfor <${only}>` : ''
  const from = `${hostOr(r.client.helo, literal)} (${literal})`
  return `Received: from ${from}\r\n\tby ${by}${forOne}; ${dateTime(r.at)}\r\n`
}

/** What the client calls itself stands in the field only if it is a domain or an address literal. */
const hostOr = (helo: string, literal: string): string =>
  /^[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*$|^\[[A-Za-z0-9.:]+\]$/.test(helo) ? helo : literal
