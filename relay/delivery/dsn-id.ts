/** The queue id of a DSN follows from what it reports: after a crash the same report has the same id, and is made once. */
import { createHash } from 'node:crypto'

const timeDigits = 9
const ownDigits = 7

/** `recipient`: the position of the first recipient reported; each is given up once. Longer than every other queue id. */
export function dsnQueueId(queueId: string, recipient: number): string {
  const digest = createHash('sha256').update(`${queueId} ${recipient}`).digest()
  return queueId.slice(0, timeDigits) + digest.readBigUInt64BE().toString(36).padStart(ownDigits, '0').slice(-ownDigits)
}
