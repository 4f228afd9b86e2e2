/** A reply as it stands on the wire: one line, or several where one would be longer than clients have to accept. Pure. */
import type { Reply } from '../mail/reply.ts'

/** The longest text of a line: RFC 5321 section 4.5.3.1.5 allows 512 octets with the code, the status and CR LF. */
const longest = 512 - '550 5.999.999 \r\n'.length

/** The status stands in each line (RFC 2034 section 4). */
export function replyLines({ code, status, text }: Reply): string {
  const plain = oneLine(text)
  if (plain.length <= longest) return `${code} ${status} ${plain}\r\n`
  const lines = folded(plain)
  return lines.map((line, i) => `${code}${i < lines.length - 1 ? '-' : ' '}${status} ${line}\r\n`).join('')
}

/** The text in lines, broken at a space where there is one. */
function folded(text: string): readonly string[] {
  if (text.length <= longest) return [text]
  const space = text.lastIndexOf(' ', longest)
  const end = space > 0 ? space : longest
  return [text.slice(0, end), ...folded(text.slice(end).trimStart())]
}

/** No reply holds what a client said, so none has a line end in it; should one ever do, it does not become a reply of its own here. */
const oneLine = (text: string): string => (control.test(text) ? text.replace(new RegExp(control, 'g'), ' ') : text)
const control = /[\0-\x1f\x7f-\x9f]/
