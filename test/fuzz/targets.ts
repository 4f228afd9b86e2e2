/** Each parser of the relay beside a second one, which has to accept whatever the relay's accepts, and to read it the same. */
import addressparser from 'nodemailer/lib/addressparser'
import { ReplyParser } from '../../relay/delivery/reply-parser.ts'
import { CommandLines, faultIn } from '../../relay/inbound/command-lines.ts'
import { DataDecoder } from '../../relay/inbound/data-decoder.ts'
import { readPathLine } from '../../relay/inbound/path-line.ts'
import { beginSasl } from '../../relay/inbound/sasl.ts'
import { parsePath } from '../../relay/mail/address.ts'
import { decodeWords } from '../../relay/mail/encoded-word.ts'
import { parseFrom, parseHeader } from '../../relay/mail/header.ts'
import { LineEnds } from '../../relay/mail/line-ends.ts'
import { beforeContent, scan } from '../../relay/mail/newlines.ts'
import { addresses, addressWords, pathLines, spelled } from './address-targets.ts'
import * as grammar from './grammar.ts'
import { hostile, latin1, same, type Target } from './target.ts'
import { tokens } from './token-targets.ts'

const commandWords = [
  ...[
    'NOOP',
    'EHLO a',
    'MAIL FROM:<a@b.t>',
    'RSET',
    'AUTH ',
    'AUTH PLAIN AAAA',
    'x'.repeat(700),
    'A'.repeat(2037),
    '\r\n',
  ],
  ...['\r\n', '\r\n', '\r\n', 'a', 'é', '\x1b', '\x80', ' ', 'x'],
  ...hostile,
] satisfies readonly string[]
const longest = (line: string): number => (/^AUTH /i.test(line) ? 12_288 : 2_048)

const commands: Target = {
  name: 'command lines in segments',
  share: 150,
  make: (dice) => dice.words(commandWords, 9),
  run(input, dice) {
    const octets = latin1(input).toString('latin1')
    const faultIn = (chunks: readonly string[]): boolean => {
      const lines = new CommandLines(() => {})
      const fault = chunks.some((chunk) => lines.take(chunk, false) !== undefined)
      lines.forget()
      return fault
    }
    const ours = faultIn([octets])
    same('the same in segments', faultIn(dice.cut(octets)), ours)
    if (!ours) same('may be commands', true, grammar.mayBeCommands(octets, longest))
    return !ours
  },
}

const headerWords = [
  ...[
    'From:',
    'from :',
    'Subject: x',
    'To: a@b.t',
    'X:',
    ' folded',
    '\r\n',
    '\r\n',
    '\r\n',
    '\r\n ',
    '\r\n\t',
    '\r\n\r\n',
    'ö',
  ],
  ...['From: <a@b.t>', 'Sender: <c@d.t>', '\x0b', '\x1c'],
  ...hostile,
] satisfies readonly string[]
const headerSamples = [
  'From: <a@b.t>\r\nSubject: x\r\n\r\n',
  'Received: from a\r\n\tby b; now\r\nFrom: A <a@b.t>\r\nTo: c@d.t\r\n\r\n',
  'Subject:\r\nFrom: a@b.t\r\nX-Y: z\r\n z\r\n',
] satisfies readonly string[]

const trimmed = (text: string): string => text.replace(/^[ \t]+|[ \t]+$/g, '')
const asUtf8 = (octets: string): string => latin1(octets).toString('utf8')

const headers: Target = {
  name: 'header blocks',
  share: 110,
  make: (dice) =>
    latin1(dice.below(3) === 0 ? dice.words(headerWords, 9) : dice.near(headerSamples, headerWords)).toString('latin1'),
  run(input) {
    const ours = parseHeader(latin1(input))
    if (!ours.ok) return false
    const theirs = grammar.headerFields(input)?.map(({ name, value }) => ({ name, value: asUtf8(trimmed(value)) }))
    const read = ours.fields.map(({ name, value }) => ({ name, value }))
    same('header', read, theirs)
    same(
      'offsets',
      ours.fields.map(({ start, end }) => input.slice(start, end)).join(''),
      input.slice(0, ours.fields.at(-1)?.end ?? 0),
    )
    return true
  },
}

const fromWords = [
  ...[
    'App',
    'App ',
    '"App"',
    '"a, b"',
    '<app@corp.t>',
    'app@corp.t',
    'ceo@other.t',
    '<',
    '>',
    ',',
    ';',
    ':',
    '(c)',
    '(',
    ')',
  ],
  ...['corp:', '=?utf-8?q?x?=', '=?utf-8?b?PGNlb0BvdGhlci50Pg==?=', ' ', '\t'],
  ...addressWords,
] satisfies readonly string[]
const fromSamples = [
  'app@corp.t',
  '<app@corp.t>',
  'App <app@corp.t>',
  '"App, Inc." <app@corp.t>',
  'Example Inc. <app@corp.t>',
  'app@corp.t (Example Inc.)',
  'Grüße <app@corp.t>',
  '=?utf-8?q?Gr=C3=BC=C3=9Fe?= <app@corp.t>',
  '"a\\"b" <app@corp.t>',
] satisfies readonly string[]

const froms: Target = {
  name: 'From',
  share: 150,
  make: (dice) => (dice.below(3) === 0 ? dice.words(fromWords, 6) : dice.near(fromSamples, fromWords)),
  run(input) {
    const ours = parseFrom(input)
    if (!ours.ok) return false
    same('mailboxes', [spelled(ours.mailbox)], grammar.mailboxes(input))
    if (ours.mailbox.address.startsWith('"')) return true
    same(
      'mailboxes of nodemailer',
      [ours.mailbox.address],
      addressparser(input, { flatten: true }).map((a) => a.address),
    )
    return true
  },
}

const replyWords = [
  ...[
    '250',
    '250 ok',
    '250-a',
    '354 go',
    '550 5.1.1 no',
    '421',
    '25',
    '2500',
    '999',
    '150',
    ' ',
    '-',
    'ok',
    'é',
    '\r\n',
    '\r\n',
  ],
  ...['\r\n', '250 ok\r\n', '250-a\r\n250 b\r\n', '\r\n250 '],
  ...hostile,
] satisfies readonly string[]
const replySamples = [
  '250 ok\r\n',
  '250-x\r\n250-PIPELINING\r\n250 SIZE 1\r\n',
  '354 go\r\n250 2.0.0 ok\r\n',
  '220-x\r\n521 no\r\n',
  '250\r\n',
] satisfies readonly string[]

function repliesIn(chunks: readonly string[]) {
  const parser = new ReplyParser()
  const found: { code: number; lines: readonly string[] }[] = []
  for (const chunk of chunks) {
    parser.push(latin1(chunk))
    for (let answer = parser.next(); answer !== undefined; answer = parser.next()) {
      if (answer.kind === 'none') return { found, whole: false, broken: true }
      found.push(answer.reply)
    }
  }
  return { found, whole: parser.idle, broken: false }
}

const replies: Target = {
  name: 'replies in segments',
  share: 110,
  make: (dice) =>
    latin1(dice.below(2) === 0 ? dice.words(replyWords, 7) : dice.near(replySamples, replyWords)).toString('latin1'),
  run(input, dice) {
    const ours = repliesIn([input])
    same('the same in segments', repliesIn(dice.cut(input)), ours)
    const theirs = grammar.replies(input)
    same('replies', { found: ours.found, whole: ours.whole }, theirs)
    return ours.whole && ours.found.length > 0
  },
}

const contentWords = ['\r\n', '\r\n', '.', '.', '..', 'a', '\r', '\n', '\0', '\r\n.\r\n', '\r\n..\r\n', 'QUIT\r\n'] as [
  string,
  ...string[],
]

const contents: Target = {
  name: 'contents in segments',
  share: 100,
  make: (dice) => dice.words(contentWords, 14),
  run(input, dice) {
    const decoder = new DataDecoder()
    let content = ''
    let rest: string | undefined
    for (const chunk of dice.cut(input)) {
      if (rest !== undefined) {
        rest += chunk
        continue
      }
      const decoded = decoder.take(latin1(chunk))
      content += decoded.content.toString('latin1')
      rest = decoded.rest?.toString('latin1')
    }
    const theirs = grammar.contentOf(input)
    same('content', rest === undefined ? undefined : { content, rest }, theirs)
    return rest !== undefined
  },
}

const lineEnds: Target = {
  name: 'line ends in segments',
  share: 30,
  make: (dice) => dice.words(contentWords, 10),
  run(input, dice) {
    const mender = new LineEnds()
    let newlines = beforeContent
    let seen = beforeContent
    let mended = ''
    for (const chunk of dice.cut(input)) {
      newlines = scan(newlines, latin1(chunk))
      const given = mender.take(latin1(chunk))
      seen = scan(seen, given)
      mended += given.toString('latin1')
    }
    // A CR at the very end is held back until what follows is known; a whole content never ends with one.
    if (input.endsWith('\r')) return false
    same('line ends', mended, grammar.withWholeLineEnds(input))
    same('nothing is bare afterwards', seen.bare, false)
    same('bare', newlines.bare, mended !== input)
    return true
  },
}

const saslWords = [
  'AUTH ',
  'PLAIN',
  'LOGIN',
  ' ',
  'AGFwcABzZWNyZXQ=',
  'YXBw',
  '=',
  '*',
  'A',
  'AA==',
  '\0',
  'é',
  'AAA',
  '-_',
] satisfies readonly string[]
const saslSamples = ['AUTH PLAIN AGFwcABzZWNyZXQ=', 'AUTH PLAIN YXBwAGFwcABzZWNyZXQ=', 'auth plain AGEAYg=='] as [
  string,
  ...string[],
]

const logins: Target = {
  name: 'logins',
  share: 10,
  make: (dice) => (dice.below(2) === 0 ? dice.words(saslWords, 5) : dice.near(saslSamples, saslWords)),
  run(input) {
    const ours = beginSasl(input)
    if (ours.kind !== 'credentials') return false
    const words = input.split(' ').filter((word) => word !== '')
    const [authzid, username, password, ...more] = Buffer.from(atob(words[2] ?? ''), 'latin1')
      .toString()
      .split('\0')
    same('login', { username: ours.username, password: ours.secret, more: [] }, { username, password, more })
    same('acts for itself', authzid === '' || authzid === username, true)
    return true
  },
}

/** Up to 100 KB of one or two words, repeated: no parser may take long over it, as the fuzz checks for every target. */
const long: Target = {
  name: 'long inputs',
  share: 1,
  make(dice) {
    const dictionary = dice.oneOf(['from', 'header', 'content', 'line']) === 'from' ? fromWords : headerWords
    const unit = dice.oneOf(dictionary) + dice.oneOf(dictionary) || 'x'
    return dice.oneOf(fromWords) + unit.repeat(dice.below(Math.ceil(100_000 / unit.length))) + dice.oneOf(fromSamples)
  },
  run(input) {
    const octets = Buffer.from(input)
    parseHeader(octets)
    repliesIn([octets.toString('latin1')])
    decodeWords(input)
    new DataDecoder().take(octets)
    faultIn(octets.toString('latin1'), false)
    readPathLine('MAIL', Buffer.from(`MAIL FROM:<${input}>`).toString('latin1'))
    parsePath(input)
    parseFrom(input)
    // Nothing is compared here: each of these parsers has a target of its own.
    return true
  },
}

export const targets: readonly Target[] = [
  long,
  addresses,
  pathLines,
  commands,
  headers,
  froms,
  replies,
  contents,
  lineEnds,
  logins,
  tokens,
]
