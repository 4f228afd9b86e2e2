/** How many sessions the memory of this process suffices for. */
import { totalmem } from 'node:os'

const kiB = 1024
const miB = 1024 * kiB
/** About what one takes at the most before anybody has logged in: 100 KB, in the middle of a long first message of TLS. */
const perSession = 128 * kiB
/** The program, what is queued, and contents on their way. */
const elsewhere = 128 * miB
const least = 8
/** Of a machine on which nobody set a limit: others are there, too. */
const shareOfMachine = 1 / 4

export const sessionsInMemory = (bytes: number): number => Math.max(least, Math.floor((bytes - elsewhere) / perSession))

/** What this process may take: its container's limit, or a part of the machine. */
export const memoryLimit = (container = process.constrainedMemory(), machine = totalmem()): number =>
  container > 0 && container < machine ? container : machine * shareOfMachine
