/** Which times of the spool are waited for: those that a back-off reaches; others are of a clock that was wrong (case S23). Pure. */
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
