/** Which times in the spool are believed: only such as a back-off, or a time in the queue, can come to (case S23). Pure. */
import { type RecipientState, turnsOf } from '../mail/envelope.ts'
import type { Outline } from '../spool/spool.ts'

const isReached = (at: number, now: number, longestMs: number): boolean => now < at && at <= now + longestMs

/** The state; due now where its time comes from a clock that was wrong, and where it never had its turn and so waits for nothing. */
export function believed(state: RecipientState, now: number, longestMs: number): RecipientState {
  const { nextAttemptAt } = state
  if (nextAttemptAt <= now || (turnsOf(state) > 0 && isReached(nextAttemptAt, now, longestMs))) return state
  return { ...state, nextAttemptAt: now }
}

/** Whether a message waits for a time that can be true. */
export const isWaiting = ({ dueAt }: Outline, now: number, longestMs: number): boolean =>
  isReached(dueAt, now, longestMs)

const mostAheadMs = 3_600_000
/** A relay that is running gives up long before mail is so much over its time. */
const mostOverdueMs = 3_600_000

/**
 * Since when a message's time in the queue counts. From the start of this process, if it was accepted in the future, or if its time
 * was over long before that start: no relay was there to try it, or a clock that was behind accepted it, and these look the same.
 */
export const heldSince = (acceptedAt: number, expireAfterMs: number, startedAt: number, now: number): number =>
  acceptedAt > now + mostAheadMs || startedAt - acceptedAt > expireAfterMs + mostOverdueMs ? startedAt : acceptedAt
