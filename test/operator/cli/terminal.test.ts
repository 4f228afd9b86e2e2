/** What the command line prints is safe on a terminal, and has colours only there. */
import { expect, test } from 'vitest'
import { terminalOn } from '../../../operator/cli/terminal.ts'

test('control characters are printed escaped, with and without colours', () => {
  const printed: string[] = []
  const stream = { write: (text: string) => printed.push(text) }
  const hostile = 'a\x1b[2J\x1b[8m\x1b[30;40mb\x1b]0;title\x07c\rd\x9be\u202ef\u061cg\u200eh\u200fi\u2028j'
  terminalOn(stream, stream, false).out(hostile)
  terminalOn(stream, stream, true).out(hostile)
  const shown =
    'a\\x1b[2J\\x1b[8m\\x1b[30;40mb\\x1b]0;title\\x07c\\x0dd\\u009be\\u202ef\\u061cg\\u200eh\\u200fi\\u2028j\n'
  expect(printed).toEqual([shown, shown])
})

test('there are colours only where they were asked for', () => {
  const printed: string[] = []
  const stream = { write: (text: string) => printed.push(text) }
  for (const colours of [false, true]) {
    const terminal = terminalOn(stream, stream, colours)
    terminal.out(terminal.style('good', 'ok'))
  }
  expect(printed).toEqual(['ok\n', '\x1b[32mok\x1b[39m\n'])
})

test('a line for standard error that goes into a file has no colours, whatever standard output is', () => {
  const [out, err]: [string[], string[]] = [[], []]
  const into = (lines: string[]) => ({ write: (text: string) => lines.push(text) })
  const terminal = terminalOn(into(out), into(err), true, false)
  const line = `${terminal.style('warn', 'mind')} ${terminal.style('strong', 'this')}`
  terminal.out(line)
  terminal.err(line)
  expect(out).toEqual(['\x1b[33mmind\x1b[39m \x1b[1mthis\x1b[22m\n'])
  expect(err).toEqual(['mind this\n'])
})

test('a line of JSON stays valid JSON and has no control characters, whatever octets of mail are in it', () => {
  const said = { content: Buffer.from('“Übung”').toString('latin1'), name: 'a\x7f\\\x85\x1b[2J' }
  const lines: string[] = []
  const stream = { write: (text: string) => lines.push(text) }
  terminalOn(stream, stream, true).out(JSON.stringify(said))
  const [printed = ''] = lines
  expect(JSON.parse(printed)).toEqual(said)
  expect(printed).toMatch(/^[^\x00-\x09\x0b-\x1f\x7f-\x9f]*$/)
})
