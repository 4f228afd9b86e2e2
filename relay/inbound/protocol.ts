/** What the protocol itself refuses: variants of the rules in mail/rule.ts, with the codes that the RFCs want for each. */
import { reply } from '../mail/reply.ts'
import { type Refusal, type RuleId, refusal } from '../mail/rule.ts'

const variant = (rule: RuleId, code: number, subject: string, text: string): Refusal => ({
  rule,
  reply: reply(code, subject, `${text} (${rule})`),
})
const syntax = (code: number, subject: string, text: string): Refusal => variant('always.syntax', code, subject, text)
const sequence = (code: number, subject: string, text: string): Refusal =>
  variant('always.sequence', code, subject, text)

/** A reply never repeats what a client wrote, so it can not name the wrong parameter: it lists those that are right. */
const parametersTaken =
  'MAIL takes SIZE=<octets>, BODY=7BIT or BODY=8BITMIME, SMTPUTF8, AUTH=<mailbox>, RET=FULL or RET=HDRS and ENVID=<xtext>, RCPT takes NOTIFY and ORCPT, each once'

export const noArgument = (verb: string): Refusal => syntax(501, '5.4', `${verb} takes no argument`)

export const protocol = {
  unknownCommand: syntax(500, '5.2', 'command not recognized'),
  notImplemented: syntax(502, '5.1', 'command not implemented'),
  lineTooLong: syntax(500, '5.2', 'line too long'),
  loginTooLong: syntax(500, '5.6', 'line of a login too long'), // RFC 4954 section 6
  bareNewline: syntax(500, '5.2', 'commands end with CR LF'),
  controlCharacter: syntax(500, '5.2', 'control character in a command'),
  tlsUnasked: syntax(
    500,
    '5.2',
    'TLS begins with STARTTLS here; a client that begins with TLS needs an Implicit listener',
  ),
  // Not X.5.2, as in the lines above: that is for permanent errors (RFC 3463 section 3.6), and 421 is a transient one.
  notSmtp: syntax(421, '7.0', 'this is an SMTP server'),
  proxyHeader: syntax(421, '7.0', 'no PROXY protocol here: switch it off at the load balancer'),
  vrfyArgument: refusal('always.syntax', 'VRFY takes an address'),
  helloArgument: syntax(501, '5.4', 'EHLO and HELO take one host name'),
  path: syntax(501, '5.4', 'the path is <user@domain>, and <> in MAIL'),
  parameter: syntax(501, '5.4', `malformed or repeated parameter: ${parametersTaken}`),
  unknownParameter: syntax(555, '5.4', `parameter not recognized: ${parametersTaken}`),
  mechanismMissing: syntax(501, '5.4', 'AUTH takes a mechanism; EHLO tells which are offered'), // RFC 5321 section 4.2.4
  mechanism: syntax(504, '5.4', 'this mechanism is not offered; EHLO tells which are'),
  base64: syntax(501, '5.2', 'this is not the base64 of what the mechanism wants'),
  // Well written, and still a failed login (RFC 4616 section 2, RFC 4954 section 6).
  otherIdentity: syntax(535, '7.8', 'a client logs in for itself only: leave the authorization identity empty'),
  bearer: syntax(501, '5.2', 'a bearer login is n,a=<username>, and auth=Bearer <token> (RFC 7628 section 3.1)'),
  loginAborted: syntax(501, '7.0', 'login given up by the client'),
  helloFirst: sequence(503, '5.1', 'say EHLO first'),
  mailFirst: sequence(503, '5.1', 'say MAIL first'),
  rcptFirst: sequence(503, '5.1', 'say RCPT first'),
  inTransaction: sequence(503, '5.1', 'a transaction is open; RSET ends it'),
  loggedInAlready: sequence(503, '5.1', 'logged in already'),
  tlsAlready: sequence(503, '5.1', 'TLS is in use already'),
  noValidRecipients: sequence(554, '5.1', 'every recipient was refused'),
  tooManySessions: variant('always.unavailable', 421, '3.2', 'too many sessions; try again'),
} as const satisfies Record<string, Refusal>
