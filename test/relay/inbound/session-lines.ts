/** What a client may say to a submission server, line by line, each with what the standards and our design have against its words. */
import fc from 'fast-check'
import { app, other, suspended } from './submission-under-test.ts'

/** How something is refused: by which code and enhanced status, and what that does to the session. */
export type Refusal = {
  readonly reply: string
  /** An error of the protocol, of which a session has ten (case P32); every other one is a refusal of mail. */
  readonly isError?: true
  readonly ends?: true
}
export const refused = (reply: string): Refusal => ({ reply })
export const error = (reply: string): Refusal => ({ reply, isError: true })
export const last = (reply: string): Refusal => ({ reply, ends: true })
const lastError = (reply: string): Refusal => ({ reply, isError: true, ends: true })

export type Verb = 'HELLO' | 'STARTTLS' | 'AUTH' | 'MAIL' | 'RCPT' | 'DATA' | 'RSET' | 'NOOP' | 'VRFY' | 'HELP' | 'QUIT'

export type Line = {
  /** EHLO and HELO are one; undefined: no command that is done here. */
  readonly verb: Verb | undefined
  /** One character for each octet, as in all texts here; without its CR LF. */
  readonly text: string
  readonly wrong: readonly Refusal[]
  /** The name of a HELLO, the path of MAIL and RCPT as it is written. */
  readonly what: string
  /** The mailbox that the path of RCPT means, since one may be written in several ways. */
  readonly mailbox: string
  /** Of MAIL, in upper case, or of RCPT. */
  readonly parameters: string
  /** Its octets are no line of a command: whatever comes in one piece with it is refused as a whole (cases P13, P15 and P20). */
  readonly isFault: boolean | 'but in a login'
}
const line = (
  verb: Verb | undefined,
  text: string,
  wrong: readonly Refusal[] = [],
  more: Partial<Line> = {},
): Line => ({
  ...{ verb, text, wrong, what: '', mailbox: '', parameters: '', isFault: false },
  ...more,
})

/** Texts that are fine, or are all wrong in the same way. */
type Rows = readonly { readonly text: string; readonly wrong: readonly Refusal[]; readonly mailbox: string }[]
export const rows = (texts: readonly string[], wrong?: Refusal, mailbox = ''): Rows =>
  texts.map((text) => ({ text, wrong: wrong === undefined ? [] : [wrong], mailbox }))
/** More than half of the time the first one. */
export const mostlyTheFirst = <T>(all: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...all.slice(0, 1)) },
    { weight: 2, arbitrary: fc.constantFrom(...all) },
  )

const malformed = error('501 5.5.4')
const unknownParameter = error('555 5.5.4') // RFC 5321 section 4.1.1.11
const noMailbox = refused('501 5.5.4')
export const notAllowed = refused('550 5.7.1') // RFC 6409 section 6.1
/** Both are 501, and only one of them is an error: which of them it was could not be told by the reply. */
const isToldApart = ({ wrong }: Line): boolean => !(wrong.includes(noMailbox) && wrong.includes(malformed))

const hosts = [...rows(['app.example', '[127.0.0.1]', 'no_domain']), ...rows(['a b', ''], malformed)]
const hello = fc
  .tuple(fc.constantFrom('EHLO', 'EHLO', 'ehlo', 'HELO'), mostlyTheFirst(hosts))
  .map(([verb, { text, wrong }]) => line('HELLO', `${verb} ${text}`.trimEnd(), wrong, { what: text }))

const reversePaths = [
  ...rows([
    '<noreply@corp.example>',
    '<NoReply@CORP.example>',
    ' <noreply@corp.example>',
    '<>',
    '<\xc3\xa9@corp.example>',
  ]),
  ...rows(['<ceo@other.example>', '<noreply@sub.corp.example>'], notAllowed),
  ...rows(['<noreply@localhost>', '<@hop.example:noreply@corp.example>'], noMailbox),
  ...rows(['noreply@corp.example', '<noreply@corp.example', ''], malformed),
]
const tooLarge = rows(['SIZE=4001'], refused('552 5.3.4')) // RFC 1870 section 6.1
const mailParameters = [
  ...tooLarge,
  ...rows([
    'SIZE=1',
    'size=00000000000000000100',
    'BODY=8BITMIME',
    'body=7bit',
    'SMTPUTF8',
    'AUTH=<>',
    'AUTH=a+2Bb@c.example',
    'RET=FULL',
    'ret=hdrs',
    'ENVID=QQ314159',
    'ENVID=A+20B+2B',
  ]),
  ...rows(
    ['SIZE=', 'SIZE=-1', 'SIZE=1e3', 'SIZE=100000000000000000000', 'BODY', 'BODY=BINARYMIME', 'SMTPUTF8=1'],
    malformed,
  ),
  ...rows(['AUTH=', 'AUTH=a+zz', 'ENVID=ab+0D+0Acd', 'ENVID=a+E9', '=1'], malformed),
  ...rows([`ENVID=${'a'.repeat(101)}`, 'RET=ALL', 'RET'], malformed),
  ...rows(['NOTIFY=NEVER', 'MT-PRIORITY=3', 'FOO'], unknownParameter),
]
const some = fc.array(fc.constantFrom(...mailParameters), { minLength: 1, maxLength: 3 })
const parameters = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(rows([]), rows(['SMTPUTF8']), rows(['BODY=8BITMIME'])) },
  { weight: 2, arbitrary: some },
  { weight: 1, arbitrary: fc.constant(tooLarge) },
)
const mail = fc
  .tuple(fc.constantFrom('MAIL FROM:', 'mail from:'), mostlyTheFirst(reversePaths), parameters)
  .map(([verb, { text, wrong }, given]) => {
    const keywords = given.map((one) => one.text.replace(/=.*/, '').toUpperCase())
    const repeated = new Set(keywords).size < given.length ? [malformed] : []
    const words = given.map((one) => ` ${one.text}`).join('')
    const all = [...wrong, ...given.flatMap((one) => one.wrong), ...repeated]
    return line('MAIL', `${verb}${text}${words}`, all, { what: text, parameters: words.toUpperCase() })
  })
  .filter(isToldApart)

const mailboxes = [
  ...rows(
    ['<user@elsewhere.example>', '<user@ELSEWHERE.example>', ' <"user"@elsewhere.example>'],
    undefined,
    'user@elsewhere.example',
  ),
  ...rows(['<User@elsewhere.example>'], undefined, 'User@elsewhere.example'),
  ...rows(['<b@partner.example>'], undefined, 'b@partner.example'),
  ...rows(['<c@partner.example>'], undefined, 'c@partner.example'),
  ...rows(['<a@xn--bcher-kva.example>', '<a@b\xc3\xbccher.example>'], undefined, 'a@xn--bcher-kva.example'),
]
const forwardPaths = [
  ...mailboxes,
  ...rows(['<user@refused.example>'], notAllowed, 'user@refused.example'),
  ...rows(
    ['<>', '<postmaster>', '<user@localhost>', '<user@[192.0.2.1]>', '<@a.example:b@partner.example>'],
    noMailbox,
  ),
  ...rows(['<no mailbox>', 'user@elsewhere.example', '<User <user@elsewhere.example>'], noMailbox),
]
const rcptParameters = [
  ...rows(['']),
  ...rows([' NOTIFY=NEVER', ' NOTIFY=SUCCESS,DELAY', ' NOTIFY=FAILURE', ' ORCPT=rfc822;b+2Bc@partner.example']),
  ...rows([' ORCPT=utf-8;\\x{E9}@partner.example']),
  ...rows([' ORCPT=rfc822;a+0D+0ARCPT', ' ORCPT=b@partner.example', ' ORCPT=rfc822;', ' ORCPT=rfc822;a=b'], malformed),
  ...rows([' NOTIFY=NEVER,FAILURE', ' NOTIFY=', ' NOTIFY=ALWAYS'], malformed),
  ...rows([' RET=FULL', ' FOO'], unknownParameter),
]
const noParameter = { weight: 9, arbitrary: fc.constantFrom(...rcptParameters.slice(0, 1)) }
const rcpt = fc
  .tuple(
    fc.constantFrom('RCPT TO:', 'Rcpt To:'),
    fc.oneof(fc.constantFrom(...mailboxes), fc.constantFrom(...forwardPaths)),
    fc.oneof(noParameter, fc.constantFrom(...rcptParameters)),
  )
  .map(([verb, { text, wrong, mailbox }, parameter]) =>
    line('RCPT', `${verb}${text}${parameter.text}`, [...wrong, ...parameter.wrong], {
      what: text,
      mailbox,
      parameters: parameter.text,
    }),
  )
  .filter(isToldApart)

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const plain = (...parts: readonly string[]): string => base64(parts.join('\0'))
const known = plain('', app.username, app.password)
const wrongPassword = plain('', app.username, 'wrong')
const answers = fc.constantFrom(
  ...[known, plain(app.username, app.username, app.password), wrongPassword, plain('', 'nobody', app.password)],
  ...[plain('', suspended.username, suspended.password), plain(other.username, app.username, app.password)],
  ...[plain('', app.username), plain('', app.username, 'x', ''), plain('', '', 'x'), plain('', app.username, '')],
  ...[app.username, app.username, app.password, app.password, 'nobody', '\n'].map(base64),
  ...['*', '=', '', 'no-base64!', 'AAA'],
)
const mechanisms = ['PLAIN', 'PLAIN', 'plain', 'LOGIN', 'Login', 'CRAM-MD5', 'XOAUTH2', 'EXTERNAL', ''] as const
const anyAuth = fc
  .tuple(fc.constantFrom(...mechanisms), fc.option(answers))
  .map((words) => `AUTH ${words.join(' ')}`.trimEnd())
const usualAuths = [
  ...[known, wrongPassword].map((initial) => `AUTH PLAIN ${initial}`),
  ...[`AUTH LOGIN ${base64(app.username)}`, 'AUTH LOGIN'],
]
const auth = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...usualAuths) },
  { weight: 8, arbitrary: anyAuth },
  { weight: 1, arbitrary: fc.constant('AUTH PLAIN AAAA AAAA') },
)
const answer = answers.map((text) => line(undefined, text, [error('500 5.5.2')]))
const login = fc.oneof(
  auth.map((text) => line('AUTH', text)),
  answer,
)
/** A login, with as many lines as it may have, or one more or less. */
export const exchange: fc.Arbitrary<readonly Line[]> = fc.oneof(
  auth.map((text) => [line('AUTH', text)]),
  fc
    .tuple(fc.constantFrom('AUTH PLAIN', 'AUTH LOGIN'), fc.array(answer, { minLength: 1, maxLength: 2 }))
    .map(([text, some]) => [line('AUTH', text), ...some]),
)

const simple = fc.constantFrom(
  ...[line('RSET', 'RSET'), line('RSET', 'rset \t'), line('NOOP', 'NOOP'), line('VRFY', 'VRFY somebody')],
  ...[line('HELP', 'HELP'), line('DATA', 'DATA'), line('STARTTLS', 'STARTTLS')],
  ...[line('VRFY', 'VRFY', [malformed]), line('RSET', 'RSET x', [malformed]), line('DATA', 'DATA x', [malformed])],
  ...[line('STARTTLS', 'STARTTLS now', [malformed]), line('QUIT', 'QUIT now', [malformed])],
)
const notDone = ['EXPN staff', 'ETRN x', 'TURN', 'XCLIENT ADDR=192.0.2.1', 'WIZ', 'BDAT 0 LAST'] as const // P30, P31
const foreign = fc.constantFrom(
  ...['NONSENSE', '', 'ehlo\xa0x'].map((text) => line(undefined, text, [error('500 5.5.2')])),
  ...notDone.map((text) => line(undefined, text, [error('502 5.5.1')])),
  line('QUIT', 'QUIT'),
  line(undefined, 'BDAT 6 LAST', [lastError('502 5.5.1')]), // P18: what follows is content
  line(undefined, 'Subject: x', [lastError('421 4.7.0')]), // P20
)
export const anyLine: fc.Arbitrary<Line> = fc.oneof(
  { weight: 3, arbitrary: hello },
  { weight: 6, arbitrary: login },
  { weight: 6, arbitrary: mail },
  { weight: 8, arbitrary: rcpt },
  { weight: 8, arbitrary: simple },
  { weight: 2, arbitrary: foreign },
)
/** None of them is right (A08). */
export const guesses = fc.array(
  fc.constantFrom(...[wrongPassword, plain('', 'nobody', 'x')].map((initial) => line('AUTH', `AUTH PLAIN ${initial}`))),
  { minLength: 1, maxLength: 4 },
)
const rset = [line('RSET', 'RSET')]
/** In one group, as PIPELINING is meant. Where an earlier one was not finished, most begin anew. */
export const transaction = fc
  .tuple(fc.constantFrom(rset, rset, []), mail, fc.array(rcpt, { minLength: 1, maxLength: 5 }))
  .map(([before, first, recipients]) => [...before, first, ...recipients, line('DATA', 'DATA')])
export const burst = fc
  .tuple(fc.constantFrom('NOOP', 'RSET', 'VRFY', 'HELP'), fc.integer({ min: 30, max: 110 }))
  .map(([verb, times]) => Array.from({ length: times }, () => line(verb, verb === 'VRFY' ? 'VRFY x' : verb)))

const fault = (text: string, isFault: Line['isFault'], ...replies: readonly string[]): Line =>
  line(undefined, text, replies.map(lastError), { isFault })
/** RFC 4954 section 4 has longer lines in a login, and only there. */
const tooLong = (text: string): Line => fault(text, 'but in a login', '500 5.5.2')
export const anyFault = fc.constantFrom(
  ...['NOOP\nNOOP', 'NOOP\rNOOP', 'NOOP \0'].map((text) => fault(text, true, '500 5.5.2')),
  ...['GET / HTTP/1.1', 'PROXY TCP4 192.0.2.1 192.0.2.2 1 25'].map((text) => fault(text, true, '421 4.7.0')),
  tooLong(`NOOP ${'x'.repeat(2_100)}`),
)
/** Each in a turn of its own: with others it could be more than a TLS record holds, and come in two pieces. Case P15. */
export const longLine: fc.Arbitrary<Line> = fc.constantFrom(
  line('NOOP', `NOOP ${'x'.repeat(2_041)}`), // 2,048 octets with its CR LF
  tooLong('A'.repeat(4_000)),
  line('AUTH', `AUTH PLAIN ${'A'.repeat(12_272)}`), // 12,285
  ...['AUTH PLAIN ', ''].map((text) => fault(`${text}${'A'.repeat(12_292)}`, true, '500 5.5.2', '500 5.5.6')), // RFC 4954 section 6
)

export const [ehlo, startTls, loggedIn, quit] = [
  line('HELLO', 'EHLO app.example', [], { what: 'app.example' }),
  line('STARTTLS', 'STARTTLS'),
  line('AUTH', `AUTH PLAIN ${known}`),
  line('QUIT', 'QUIT'),
]
