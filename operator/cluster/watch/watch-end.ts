/** How a watch, or a list, ended, and what comes next: nothing but the signal ends a reflector. Pure. */
import { type Backoff, backoffMs } from '../../backoff.ts'
import { type ApiError, isExpired, isTransient } from '../api/api-error.ts'
import { waitAfterMs } from '../api/wait-after.ts'

export type WatchEnd =
  /** By the server, in good order. `idle`: soon, and without having said anything. */
  | { readonly kind: 'ended'; readonly idle: boolean }
  /** Nothing was heard for longer than a living server is silent. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'expired' }
  | { readonly kind: 'garbled'; readonly why: string }
  | { readonly kind: 'failed'; readonly error: ApiError }

/** The version that a reflector watches from (undefined: it has to list), and its failures in a row. */
export type Standing = { readonly from: string | undefined; readonly failures: number }

export type Next = Standing & { readonly waitMs: number }

/** After so many failures in a row the version that we watch from may be the cause: a list gives another one. */
const suspicious = 3
const retries: Backoff = { firstMs: 250, longestMs: 30_000 }

/** `from` is the version up to which the watch told everything; `heard`: whether it told anything at all. */
export function afterWatch(end: WatchEnd, from: string, heard: boolean, failures: number, jitter: number): Next {
  const before = heard ? 0 : failures
  switch (end.kind) {
    case 'ended':
      return end.idle ? again(from, before + 1, jitter) : { from, failures: 0, waitMs: 0 }
    case 'expired':
      // The first time nothing is wrong, so there is no wait: the version is too old, and a list gives another one.
      return { from: undefined, failures: before + 1, waitMs: backoffMs(before, retries, jitter) }
    case 'garbled':
    case 'silent':
      return again(from, before + 1, jitter)
    case 'failed':
      if (isExpired(end.error)) return afterWatch({ kind: 'expired' }, from, heard, failures, jitter)
      return again(from, before + 1, jitter, end.error)
  }
}

/** A list that failed: the version to watch from is still unknown. */
export function afterList(error: ApiError, failures: number, jitter: number): Next {
  // A continue token that is too old (410) is no sign of trouble: the first time, the list starts over at once.
  const waits = isExpired(error) ? failures : failures + 1
  const asking = isTransient(error) ? error : undefined
  return { from: undefined, failures: failures + 1, waitMs: waitAfterMs(asking, waits, retries, jitter) }
}

function again(from: string, failures: number, jitter: number, error?: ApiError): Next {
  const waitMs = waitAfterMs(error, failures, retries, jitter)
  return { from: failures < suspicious ? from : undefined, failures, waitMs }
}
