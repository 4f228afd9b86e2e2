/** What a client may send behind 354, each with what the standards and our design have against it. */
import fc from 'fast-check'
import { mostlyTheFirst, notAllowed, type Refusal, refused, rows } from './session-lines.ts'

export type Content = {
  /** As it is meant, before dots are stuffed into it; one character for each octet. */
  readonly octets: string
  /** Without what a submission server takes out of a header (decision 0012). */
  readonly kept: string
  readonly from: string
  readonly wrong: readonly Refusal[]
}

/** The most octets of a message. */
export const messageBytes = 4_000

const malformed = refused('554 5.6.0')
/** By a listener that does not normalise. */
export const bareNewline = refused('550 5.5.2') // P01
const own = 'From: App <noreply@corp.example>\r\n'
const froms = [
  ...rows([own, 'from: <NoReply@CORP.example>\r\n', 'From: <\xc3\xa9@corp.example>\r\n']),
  ...rows(['From: <ceo@other.example>\r\n', 'From: "ceo@other.example" <noreply@corp.example>\r\n'], notAllowed), // M02, M16
  ...rows([`${own}${own}`, 'From: <a@corp.example>, <b@corp.example>\r\n', ` ${own}`, ''], malformed), // M03, M04, M06, M09
]
const taken = rows([
  'Bcc: a@partner.example,\r\n b@partner.example\r\n',
  'Return-Path: <x@other.example>\r\n',
  'date:\r\n',
])
const good = [
  ...taken,
  ...rows([
    'Date: Mon, 05 Jan 2026 10:00:00 +0000\r\n',
    'Message-ID: <a@corp.example>\r\n',
    'Subject: Gr\xc3\xbc\xc3\x9fe\r\n',
  ]),
]
const fields = [
  ...good,
  ...rows(['Sender: <ceo@other.example>\r\n'], notAllowed), // M29
  ...rows(['To: <a@partner.example>\r\nTo: <b@partner.example>\r\n'], malformed),
  ...rows(['Received: by x\r\n'.repeat(51)], refused('554 5.4.6')), // M32
]
const someFields = fc.uniqueArray(
  fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...good) }, fc.constantFrom(...fields)),
  {
    maxLength: 3,
    selector: ({ text }) => text.slice(0, 4).toUpperCase(),
  },
)
/** Fills a message up to the most octets that it may have, and so many more. */
type Filling = { readonly beyond: number }
const bodies: readonly { readonly text: string | Filling; readonly wrong: readonly Refusal[] }[] = [
  ...rows(['\r\nhello\r\n', '\r\n', '', '\r\n.\r\n..\r\n.x\r\n\r\n.\r\n', '\r\n\xe9\r\n']),
  ...rows(['\r\na\n.\r\nMAIL FROM:<ceo@other.example>\r\n', '\r\na\n..\r\nb\r\n', '\r\na\r\n.\nQUIT\r\n'], bareNewline), // P01, P07
  ...rows(['\r\na\r.\rb\r\n', '\r\na\r\r\nb\r\n'], bareNewline), // M35
  ...rows(['\r\na\0\r\n'], malformed), // P05
  { text: { beyond: 0 }, wrong: [] },
  { text: { beyond: 1 }, wrong: [] }, // R06
]

export const content: fc.Arbitrary<Content> = fc
  .tuple(mostlyTheFirst(froms), someFields, fc.nat({ max: 3 }), mostlyTheFirst(bodies))
  .map(([from, others, at, body]) => {
    const all = [...others.slice(0, at), from, ...others.slice(at)]
    const header = all.map(({ text }) => text).join('')
    const filling = ({ beyond }: Filling): string => `\r\n${'x'.repeat(messageBytes + beyond - header.length - 4)}\r\n`
    const rest = typeof body.text === 'string' ? body.text : filling(body.text)
    const kept = all
      .filter((field) => !taken.includes(field))
      .map(({ text }) => text)
      .join('')
    const tooLarge = header.length + rest.length > messageBytes ? [refused('552 5.3.4')] : []
    const wrong = [...all.flatMap((field) => field.wrong), ...body.wrong, ...tooLarge]
    return { octets: `${header}${rest}`, kept: `${kept}${rest}`, from: from.text, wrong }
  })
