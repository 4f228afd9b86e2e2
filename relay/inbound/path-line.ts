/** The lines `MAIL FROM:<path> parameters` and `RCPT TO:<path> parameters` (RFC 5321 section 4.1.2). Pure. */
import type { Refusal } from '../mail/rule.ts'
import { inItsOwnMemory, textOf, utf8In } from './line-text.ts'
import { protocol } from './protocol.ts'

export type PathLine =
  | {
      readonly kind: 'path'
      /** What stood between the angle brackets. */
      readonly path: string
      /** By upper-case keyword; the value is empty where there is none. */
      readonly parameters: ReadonlyMap<string, string>
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

// White space before the path is not in the grammar, but common enough to be taken (case P23). All that follows the path is one
// group, trailing white space included: with two groups that could both match that space, a line that fails would take cubic time.
const path = /[ \t]*<((?:"(?:[^"\\]|\\.)*"|[^"<>])*)>(?:[ \t]([\s\S]*))?$/.source
const lines = { MAIL: new RegExp(`^MAIL FROM:${path}`, 'i'), RCPT: new RegExp(`^RCPT TO:${path}`, 'i') } as const

// esmtp-param (RFC 5321 section 4.1.2); with SMTPUTF8 a value may be UTF-8 (RFC 6531 section 3.3).
const parameter = /^([A-Z0-9][A-Z0-9-]*)(?:=([!-<>-~\u0080-\uffff]+))?$/i
// A control character that is encoded as xtext (RFC 3461 section 4, `+0A`) would be a real one in a header or DSN that decodes it.
const hiddenControl = /\+(?:[01][0-9A-F]|7F)/i

/** Reads a whole line of which each character stands for one octet. */
export function readPathLine(verb: keyof typeof lines, line: string): PathLine {
  const text = utf8In(line)
  const match = text === undefined ? null : lines[verb].exec(text)
  if (!match) return { kind: 'refused', refusal: protocol.path }
  const parameters = match[2] === undefined ? none : readParameters(match[2])
  if (!parameters) return { kind: 'refused', refusal: protocol.parameter }
  // A copy, since the path is kept for the whole transaction, and its line may have 2 KB of white space behind it.
  return { kind: 'path', path: inItsOwnMemory(match[1] ?? '', line), parameters }
}

/**
 * Whatever stands between the outermost angle brackets, for the log, also where the line is refused. No regular expression: it
 * would begin anew at each of many `<`, in quadratic time.
 */
export function pathIn(line: string): string | undefined {
  const text = textOf(line)
  const [open, close] = [text.indexOf('<'), text.lastIndexOf('>')]
  return open !== -1 && open < close ? text.slice(open + 1, close) : undefined
}

const none: ReadonlyMap<string, string> = new Map()

function readParameters(text: string): ReadonlyMap<string, string> | undefined {
  const parameters = new Map<string, string>()
  for (const word of text.split(/[ \t]+/).filter((w) => w !== '')) {
    const [, keyword, value = ''] = parameter.exec(word) ?? []
    if (keyword === undefined || hiddenControl.test(value) || parameters.has(keyword.toUpperCase())) return undefined
    parameters.set(keyword.toUpperCase(), value)
  }
  return parameters
}
