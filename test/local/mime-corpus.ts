/** Messages of every MIME shape, with every oddity that a strict relay accepts, drawn from a seed. */
import { seededRandom } from './seeded-random.ts'

type Dice = {
  readonly whole: (below: number) => number
  readonly oneOf: <T>(...values: readonly [T, ...T[]]) => T
  readonly times: (most: number, make: (i: number) => string) => string
}

/** The lines end with CR LF, and are not dot-stuffed. The shapes come in turn, so that each one is among them. */
export function mimeCorpus(from: string, count: number, seed: number): readonly Buffer[] {
  return Array.from({ length: count }, (_, i) => {
    const dice = diceOf(seededRandom(seed + i))
    const body = bodies[i % bodies.length] ?? plain
    return Buffer.from(header(dice, from, i) + body(dice, i), 'latin1')
  })
}

function diceOf(random: () => number): Dice {
  const whole = (below: number): number => Math.floor(random() * below)
  return {
    whole,
    oneOf: (first, ...others) => [first, ...others][whole(others.length + 1)] ?? first,
    times: (most, make) => Array.from({ length: whole(most + 1) }, (_, i) => make(i)).join(''),
  }
}

const latin1 = (text: string): string => Buffer.from(text).toString('latin1')
const words = [
  'mail',
  'Straße'.slice(0, 4),
  'with',
  'words',
  'and',
  'more',
  'of',
  'them,',
  'a.b',
  '=20',
  'x\ty',
  'From',
  '--',
  '%',
]
const text = (dice: Dice, most: number): string =>
  `${dice.oneOf('a', '.', '..', ' ', '\t', 'From ')}${dice.times(most, (i) => `${dice.oneOf(' ', '  ', '\t', ' \t ')}${words[(i + dice.whole(words.length)) % words.length]}`)}`
const line = (dice: Dice): string => `${text(dice, 9)}${dice.oneOf('', '', ' ', '  \t')}\r\n`
const lines = (dice: Dice, most: number): string => dice.times(most, () => line(dice))
const fold = (dice: Dice): string => dice.oneOf(' ', '  ', '\t', '\r\n ', '\r\n\t', ' \r\n \t ')

/** Fields in any order, with the oddities that RFC 5322 allows. */
function header(dice: Dice, from: string, i: number): string {
  const subject = dice.oneOf(
    'hello',
    '-',
    '=?utf-8?Q?J=C3=B6rg?=',
    latin1('Grüße aus Köln'),
    'a  b\tc',
    'x'.repeat(600),
  )
  const fields = [
    `${dice.oneOf('From', 'FROM', 'from')}:${dice.oneOf('', ' ', '  ', '\t')}${dice.oneOf(`<${from}>`, from, `App${fold(dice)}<${from}>`, `"A, B"${fold(dice)}<${from}>`)}${dice.oneOf('', ' ', '\t ')}`,
    `${dice.oneOf('Subject', 'SUBJECT', 'sUBJECT')}:${fold(dice)}${subject}${fold(dice)}(${i})`,
    `To:${dice.oneOf(' user@elsewhere.test', ` "U"${fold(dice)}<user@elsewhere.test>,${fold(dice)}other@elsewhere.test`)}`,
    ...dice.oneOf([], ['Cc: third@elsewhere.test'], ['CC:'], ['Reply-To:<else@elsewhere.test>']),
    ...dice.oneOf([], [`Date: Mon, 05 Jan 2026 10:00:00 +0000`]),
    ...dice.oneOf([], [`Message-ID: <${i}@corp.test>`], [`message-id:\r\n\t<${i}@corp.test>`]),
    ...dice.oneOf([], ['References: <a@b.test>\r\n <c@d.test>\r\n\t<e@f.test>', 'In-Reply-To: <a@b.test>']),
    ...dice.oneOf([], ['Bcc: hidden@elsewhere.test'], ['Return-Path: <x@elsewhere.test>']),
    ...dice.oneOf([], ['List-Unsubscribe: <https://l.test/u>', 'List-Unsubscribe-Post: List-Unsubscribe=One-Click']),
    ...dice.oneOf([], [`Resent-From: <${from}>`, 'Resent-To: a@b.test', `Resent-From: ${from}`, 'Resent-To: c@d.test']),
    ...dice.oneOf([], ['DKIM-Signature: v=1; a=rsa-sha256; d=elsewhere.test; s=x;\r\n\th=from:to; bh=AAAA; b=AAAA']),
    ...dice.oneOf([], [`X-Odd:${'\r\n \t'.length}  kept\t `, 'X-Odd: again', 'X-EMPTY:']),
    ...Array.from(
      { length: dice.whole(4) },
      (_, n) => `Received: from a${n}.test by b.test;\r\n\tMon, 05 Jan 2026 10:00:0${n} +0000`,
    ),
  ]
  const turned = dice.whole(fields.length)
  return [...fields.slice(turned), ...fields.slice(0, turned)].map((field) => `${field}\r\n`).join('')
}

type Shape = (dice: Dice, i: number) => string

const mime = (type: string, encoding = '7bit'): string =>
  `MIME-Version: 1.0\r\nContent-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`
const base64 = (dice: Dice, octets: number): string =>
  Buffer.from(Array.from({ length: octets }, () => dice.whole(256)))
    .toString('base64')
    .replaceAll(/.{1,76}/g, '$&\r\n')
const part = (type: string, body: string): string => `Content-Type: ${type}\r\n\r\n${body}`

const plain: Shape = (dice) => `\r\n${lines(dice, 20)}`

function multipart(dice: Dice, depth: number, kind: string): string {
  const boundary = dice.oneOf(`b${depth}`, `=_${depth}'()+_,-./:=?`, `----=_Part_${depth}`)
  const leaf = (): string =>
    dice.oneOf(
      part('text/plain', lines(dice, 6)),
      part('text/html; charset=utf-8', `<p>${latin1('ä € 漢字')}</p>\r\n${lines(dice, 3)}`),
      `Content-Type: image/png;\r\n name="a b.png"\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64(dice, dice.whole(400))}`,
      part('message/rfc822', `From: <inner@else.test>\r\nSubject: inner\r\n\r\n${lines(dice, 4)}`),
    )
  const inner = (): string =>
    depth > 0 ? multipart(dice, depth - 1, dice.oneOf('alternative', 'related', 'mixed')) : leaf()
  const parts = [leaf(), inner(), ...dice.oneOf([], [leaf()], [leaf(), inner()])]
  return `Content-Type: multipart/${kind};\r\n\tboundary="${boundary}"\r\n\r\n${dice.oneOf('', 'This is a message in several parts.\r\n')}${parts.map((p) => `--${boundary}\r\n${p}\r\n`).join('')}--${boundary}--\r\n${dice.oneOf('', '\r\n', 'an epilogue\r\n\r\n')}`
}

const bodies: readonly Shape[] = [
  plain,
  () => '\r\n',
  // No blank line: the header ends with the message (RFC 5322 section 2.1).
  () => '',
  (dice) => `\r\n${'\r\n'.repeat(1 + dice.whole(5))}`,
  (dice) => `\r\n${' \t'.repeat(1 + dice.whole(3))}\r\n\t\r\n`,
  (dice) => `\r\n${lines(dice, 5)}${'\r\n'.repeat(1 + dice.whole(9))}`,
  (dice) => `\r\n${'\r\n'.repeat(dice.whole(9))}${lines(dice, 5)}${' \r\n'.repeat(dice.whole(4))}`,
  (dice) => `\r\n.\r\n..\r\n.${text(dice, 4)}\r\n${' .\r\n'.repeat(dice.whole(3))}`,
  (dice) => `\r\n${'x'.repeat(999 + dice.whole(4000))} \t${'y'.repeat(dice.whole(2000))}\r\n`,
  (dice) => `\r\n${dice.times(30, () => `${String.fromCharCode(0xa0 + dice.whole(96))}${line(dice)}`)}`,
  (dice) => mime('text/plain; charset=utf-8', '8bit') + latin1(`Grüße, €5, 漢字, 🙂\r\n`) + lines(dice, 9),
  (dice) => `${mime('text/plain; charset=iso-8859-1', 'quoted-printable')}Gr=FC=DFe =\r\naus =20\r\n${lines(dice, 3)}`,
  (dice) => mime('application/octet-stream', 'base64') + base64(dice, 1 + dice.whole(3000)),
  (dice) =>
    mime('text/plain; format=flowed; delsp=yes') +
    dice.times(12, () => `${'> '.repeat(dice.whole(3))}${text(dice, 6)} \r\n`),
  (dice) => `MIME-Version: 1.0\r\n${multipart(dice, 0, 'alternative')}`,
  (dice) => `MIME-Version: 1.0\r\n${multipart(dice, 1, 'mixed')}`,
  (dice) => `MIME-Version: 1.0\r\n${multipart(dice, 3, 'related')}`,
  (dice) =>
    `MIME-Version: 1.0\r\n${multipart(dice, 0, 'signed; protocol="application/pgp-signature"; micalg=pgp-sha256')}`,
  (dice) => `MIME-Version: 1.0\r\n${multipart(dice, 0, 'report; report-type=delivery-status')}`,
  (dice) =>
    mime('text/calendar; method=REQUEST; charset=utf-8', '8bit') +
    `BEGIN:VCALENDAR\r\n${lines(dice, 8)}END:VCALENDAR\r\n`,
  // Larger than what the relay holds in memory as one piece, with blank lines and white space where the pieces meet.
  (dice) =>
    `\r\n${dice.times(40, () => `${line(dice)}${' \r\n'.repeat(dice.whole(900))}${'z \t'.repeat(dice.whole(900))}\r\n`)}`,
  (dice) => mime('application/pdf', 'base64') + base64(dice, 60_000 + dice.whole(60_000)),
]
