/** Which times of the spool count: those that a back-off reaches, or a time in the queue; others are of a clock that was wrong (case S23). Pure. */
import type { RecipientState } from '../mail/envelope.ts'
import type { Outline } from '../spool/spool.ts'

const isReached = (at: number, now: number, longestMs: number): boolean => now < at && at <= now + longestMs

/** Who was never tried waits for nothing. */
export function believed(state: RecipientState, now: number, longestMs: number): RecipientState {
  const { attempts, nextAttemptAt } = state
  if (nextAttemptAt <= now || (attempts > 0 && isReached(nextAttemptAt, now, longestMs))) return state
  return { ...state, nextAttemptAt: now }
}

/** Before the first attempt a message is due at its acceptance. */
export const isWaiting = ({ dueAt, acceptedAt }: Outline, now: number, longestMs: number): boolean =>
  dueAt !== acceptedAt && isReached(dueAt, now, longestMs)

const mostAheadMs = 3_600_000
/** A relay that is at work gives up before. */
const mostOverdueMs = 3_600_000

/**
 * Since when its time in the queue counts. Where the acceptance can not be true, since the start; and where all of it was over by then:
 * nobody was there to try, or a clock that was behind accepted it, which look the same.
 */
export const heldSince = (acceptedAt: number, expireAfterMs: number, startedAt: number, now: number): number =>
  acceptedAt > now + mostAheadMs || startedAt - acceptedAt > expireAfterMs + mostOverdueMs ? startedAt : acceptedAt
