/** The text (UTF-8) of a command line that is held as one character for each octet. Pure. */
import { isUtf8 } from 'node:buffer'
import { isAscii } from '../mail/address.ts'

/** Octets that are no UTF-8 become U+FFFD. */
export const textOf = (octets: string): string => (isAscii(octets) ? octets : Buffer.from(octets, 'latin1').toString())

/** Undefined where any octet is no UTF-8. */
export function utf8In(octets: string): string | undefined {
  if (isAscii(octets)) return octets
  const line = Buffer.from(octets, 'latin1')
  return isUtf8(line) ? line.toString() : undefined
}

/** `part` itself, or a copy: V8 keeps all of `whole` in memory for as long as a slice of it lives. */
export const inItsOwnMemory = (part: string, whole: string): string =>
  whole.length - part.length < 32 ? part : copyOf(part)

/** The same where the whole is not at hand. */
export const copyOf = (part: string): string => Buffer.from(part).toString()
