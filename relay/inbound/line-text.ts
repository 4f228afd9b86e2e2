/** A command line of which each octet came as a character: its text is UTF-8. Pure. */
import { isAscii } from '../mail/address.ts'

/** For what is decided at once. Of ASCII it is a part of all that came with the line, which lives as long as it does. */
export const textOf = (octets: string): string => (isAscii(octets) ? octets : lineOf(octets).toString())

/** For what is kept of it: in memory of its own. */
export const lineOf = (octets: string): Buffer => Buffer.from(octets, 'latin1')
