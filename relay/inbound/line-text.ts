/** A command line of which each octet came as a character: its text is UTF-8. Pure. */
import { isUtf8 } from 'node:buffer'
import { isAscii } from '../mail/address.ts'

/** What is no UTF-8 in it becomes U+FFFD. */
export const textOf = (octets: string): string => (isAscii(octets) ? octets : Buffer.from(octets, 'latin1').toString())

/** Undefined where it is no UTF-8. */
export function utf8In(octets: string): string | undefined {
  if (isAscii(octets)) return octets
  const line = Buffer.from(octets, 'latin1')
  return isUtf8(line) ? line.toString() : undefined
}

/** A part of a text keeps all of it, which may be much more. */
export const inItsOwnMemory = (part: string, whole: string): string =>
  whole.length - part.length < 32 ? part : Buffer.from(part).toString()
