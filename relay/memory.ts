/** For how many sessions the memory of this process is enough. */
import { totalmem } from 'node:os'

const kiB = 1024
const miB = 1024 * kiB
/** The most that a session takes before its login: about 100 KB, in the middle of a long first TLS message. */
const perSession = 128 * kiB
/** For the program, what is queued, and contents on their way. */
const elsewhere = 128 * miB
/** Never fewer sessions than this. */
const least = 8
/** The part of the machine that is used where no limit is set: other programs run there, too. */
const shareOfMachine = 1 / 4

export const sessionsInMemory = (bytes: number): number => Math.max(least, Math.floor((bytes - elsewhere) / perSession))

/** Octets that this process may take: its container's limit, or `shareOfMachine` where it has none. */
export const memoryLimit = (container = process.constrainedMemory(), machine = totalmem()): number =>
  container > 0 && container < machine ? container : machine * shareOfMachine
