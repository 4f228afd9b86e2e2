/** What a fuzzer needs to know of a parser, and what it makes texts of. */
import { isDeepStrictEqual } from 'node:util'
import type { Dice } from './dice.ts'

export type Target = {
  readonly name: string
  /** Of a thousand executions. */
  readonly share: number
  readonly make: (dice: Dice) => string
  /** Whether the relay accepts it. @throws Divergence */
  readonly run: (input: string, dice: Dice) => boolean
}

class Divergence extends Error {}

export const same = (what: string, ours: unknown, theirs: unknown): void => {
  if (!isDeepStrictEqual(ours, theirs)) {
    throw new Divergence(`${what}: the relay has ${JSON.stringify(ours)}, the other ${JSON.stringify(theirs)}`)
  }
}
export const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

export const hostile = [
  '\0',
  '\r',
  '\n',
  '\r\n',
  '\t',
  ' ',
  '\x7f',
  '\x85',
  '\xa0',
  '"',
  '\\',
  '<',
  '>',
  '@',
  ',',
  ';',
  ':',
] as const
export const beyond = ['é', 'ß', '＠', '．', '\u200b', '\u2028', 'К', '\ufffd', '=?utf-8?q?=40?='] as const
