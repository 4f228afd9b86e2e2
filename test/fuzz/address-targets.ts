/** Addresses, alone and in a command, compared with a grammar written a second time and with smtp-server. */
import { domainToASCII } from 'node:url'
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js'
import { readMailParameters } from '../../relay/inbound/parameters.ts'
import { readPathLine } from '../../relay/inbound/path-line.ts'
import { parsePath } from '../../relay/mail/address.ts'
import * as grammar from './grammar.ts'
import { beyond, hostile, same, type Target } from './target.ts'

export const addressWords = [
  ...['a', 'app', 'A', '.', '..', '@', '@@', 'corp.t', 'CORP.T', 'other.t', '-', 'x-y', '1', '127.0.0.1'],
  ...['[127.0.0.1]', '"', '"a b"', '"a@b.t"', '\\', '\\"', '+tag', '%', '!', '(c)', 'xn--bcher-kva.t', 'bücher.t'],
  ...hostile,
  ...beyond,
] satisfies readonly string[]
const addressSamples = [
  ...['app@corp.t', 'a.b+c@sub.corp.t', '"a b"@corp.t', '"a\\"b"@corp.t', 'jörg@bücher.t', `${'l'.repeat(100)}@x.t`],
  ...[`a@${'d'.repeat(63)}.t`, "o'brien@corp.t"],
] satisfies readonly string[]

/** A mailbox with the domain as it was written, since the relay's own `domain` is the A-label (RFC 5890 section 2.3.2.1). */
export const spelled = (mailbox: { localPart: string; address: string }) => ({
  localPart: mailbox.localPart,
  domain: mailbox.address.slice(mailbox.address.lastIndexOf('@') + 1),
})

export const addresses: Target = {
  name: 'addresses',
  share: 179,
  make: (dice) => (dice.below(2) === 0 ? dice.words(addressWords, 6) : dice.near(addressSamples, addressWords)),
  run(input) {
    const ours = parsePath(input)
    if (ours === undefined) return false
    same('address', spelled(ours), grammar.addrSpec(input))
    return true
  },
}

const lineWords = [
  ...['MAIL FROM:', 'RCPT TO:', '<', '>', '<>', ' ', '  ', 'SIZE=', 'SIZE=1', 'BODY=8BITMIME', 'SMTPUTF8', 'AUTH=<>'],
  ...['=', '+0A', '+20', 'RET=FULL', 'X-Y=z', '-', '<app@corp.t>', '@a.t:'],
  ...addressWords,
] satisfies readonly string[]
const lineSamples = [
  'MAIL FROM:<app@corp.t>',
  'MAIL FROM: <app@corp.t> SIZE=1000 BODY=8BITMIME',
  'MAIL FROM:<> SIZE=1',
  'mail from:<"a > b"@corp.t> SMTPUTF8 AUTH=<>',
  'RCPT TO:<a@x.t>',
  'RCPT TO:<jörg@x.t> NOTIFY=NEVER',
] satisfies readonly string[]

type ParsedCommand = { readonly address: string } | false
type SmtpServerParser = { _parseAddressCommand(name: string, line: Buffer): ParsedCommand }
// A connection of smtp-server that is never opened: only its parser is called.
const smtpServer = Object.create(SMTPConnection.prototype, { _server: { value: { options: {} } } }) as SmtpServerParser
const smtpServerPath = (line: string): ParsedCommand =>
  smtpServer._parseAddressCommand(line.slice(0, line.indexOf(':')), Buffer.from(line))

/** The address with its domain as an A-label, since smtp-server gives the U-label. */
const inAscii = (address: string): string => {
  const at = address.lastIndexOf('@') + 1
  return address.slice(0, at) + domainToASCII(address.slice(at))
}

export const pathLines: Target = {
  name: 'path lines and their parameters',
  share: 160,
  make: (dice) => (dice.below(3) === 0 ? dice.words(lineWords, 7) : dice.near(lineSamples, lineWords)),
  run(input) {
    const verb = input.slice(0, 4).toUpperCase() === 'RCPT' ? 'RCPT' : 'MAIL'
    const ours = readPathLine(verb, Buffer.from(input).toString('latin1'))
    if (ours.kind === 'refused') return false
    const mailbox = parsePath(ours.path)
    if (ours.path !== '' && mailbox === undefined) return false
    readMailParameters(ours.parameters)
    const read = {
      mailbox: mailbox && spelled(mailbox),
      parameters: Object.fromEntries(ours.parameters),
    }
    same('path line', read, grammar.pathLine(input))
    const theirs = smtpServerPath(input)
    // smtp-server decodes xtext and does not know quoted strings, so only plain paths are compared with it.
    if (theirs && !ours.path.includes('"')) same('path of smtp-server', inAscii(ours.path), inAscii(theirs.address))
    return true
  },
}
