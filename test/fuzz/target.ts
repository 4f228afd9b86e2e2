/** What the fuzz needs to know of a parser, and the characters that every one of them is tried with. */
import { isDeepStrictEqual } from 'node:util'
import type { Dice } from './dice.ts'

export type Target = {
  readonly name: string
  /** How many of a thousand executions go to it. */
  readonly share: number
  readonly make: (dice: Dice) => string
  /**
   * Returns whether the relay accepts the input.
   * @throws Divergence if the second parser reads it in another way
   */
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
