/** Where the verbs write: plain lines, with colours only on a terminal. */
import { styleText } from 'node:util'

export type Style = 'good' | 'bad' | 'warn' | 'dim' | 'strong'

const formats = { good: 'green', bad: 'red', warn: 'yellow', dim: 'dim', strong: 'bold' } as const

export type Terminal = {
  /** A line of the answer, to standard output. */
  out(line: string): void
  /** A line about what is happening or went wrong, to standard error. */
  err(line: string): void
  style(style: Style, text: string): string
}

type Writable = { write(text: string): unknown }

/** `errColours`: whether standard error is a terminal, too; a line that goes into a file has no colours. */
export const terminalOn = (stdout: Writable, stderr: Writable, colours: boolean, errColours = colours): Terminal => {
  const write = (stream: Writable, wanted: boolean) => (line: string) => {
    const plain = wanted || !colours ? line : line.replaceAll(styled, '')
    stream.write(`${printable(plain, wanted)}\n`)
  }
  return {
    out: write(stdout, colours),
    err: write(stderr, colours && errColours),
    style: (style, text) => (colours ? styleText(formats[style], text, { validateStream: false }) : text),
  }
}

/** The beginnings and ends of the formats above. */
const styled = /\x1b\[(?:1|2|22|3[1239])m/g
const control = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/

// Names, replies and mail come from strangers. Control characters, and those that end lines or turn the direction of text, are
// shown as escapes instead of taking effect. Of the sequences for a terminal only those of the formats pass: another one could
// conceal what follows.
const commands = new RegExp(`${styled.source}|${control.source}`, 'g')

const printable = (text: string, colours: boolean): string =>
  text.replaceAll(commands, (command) => (colours && command.length > 1 ? command : shown(command)))

/** Written as \xNN below 7f, else as \uNNNN: JSON.stringify leaves characters from 7f on unescaped, and JSON knows no \x. */
function shown(command: string): string {
  const code = command.charCodeAt(0)
  const [mark, digits] = code < 0x7f ? (['x', 2] as const) : (['u', 4] as const)
  return `\\${mark}${code.toString(16).padStart(digits, '0')}${command.slice(1)}`
}
