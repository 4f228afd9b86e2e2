/** Follows an accepted message in its relay's log until its fate is known. */
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { type Fate, fateOf } from './fate.ts'
import type { FleetFolder } from './state.ts'

const pollMs = 50

/** Call this before submitting: only what is written to the log from now on is read. */
export function startFollowing(folder: FleetFolder): (queueId: string, signal: AbortSignal) => Promise<Fate> {
  let offset = statSync(folder.log, { throwIfNoEntry: false })?.size ?? 0
  const lines: string[] = []
  const read = (): readonly string[] => {
    const fresh = wholeLines(folder.log, offset)
    offset = fresh.end
    lines.push(...fresh.text.split('\n'))
    return lines
  }
  return async (queueId, signal) => {
    let fate = fateOf(queueId, read())
    while (fate.kind === 'unknown' && !signal.aborted) {
      await wait(pollMs, undefined, { signal }).catch(() => {})
      fate = fateOf(queueId, read())
    }
    return fate.kind === 'unknown' ? fateOf(queueId, lines, true) : fate
  }
}

/** The complete lines after `offset`. A log that is shorter than that was rotated, so all of it is new. */
function wholeLines(file: string, offset: number): { readonly text: string; readonly end: number } {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  const start = size < offset ? 0 : offset
  if (size === start) return { text: '', end: start }
  const descriptor = openSync(file, 'r')
  try {
    const bytes = Buffer.alloc(size - start)
    const length = readSync(descriptor, bytes, 0, bytes.length, start)
    const whole = bytes.lastIndexOf('\n', length - 1) + 1
    return { text: bytes.toString('utf8', 0, whole), end: start + whole }
  } finally {
    closeSync(descriptor)
  }
}
