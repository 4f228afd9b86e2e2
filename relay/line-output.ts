/** Where log lines go: they are gathered for a moment, and no write is waited for, so that a slow or lost reader stops no mail. */
import { writeSync } from 'node:fs'
import { withoutWaiting } from './without-waiting.ts'

/** Lines are written so often, or when so many are there: a write for each would cost more than all else about the line. */
const flushMs = 50
const flushLines = 64
/** So many octets may wait for a reader that is too slow; beyond that, lines are lost and mail goes on. */
const mostWaiting = 1_048_576
/** Lines are taken again when no more than this waits, so that a log has a few large gaps in place of many small ones. */
const fewWaiting = mostWaiting / 2
/** At the end of the process a slow reader gets so much time for the last lines. */
const lastWordsMs = 1000
const lookMs = 10

const lineFeed = 0x0a

export type LineOutput = {
  /** Never waits and never throws. */
  write(line: string): void
  /** Writes what waits now, as far as the reader takes it, so that it is not lost with the process. */
  flush(): void
  /** At the end of the process: waits up to `lastWordsMs` for the reader. */
  close(): void
}

type Told = {
  /** A line was dropped. Must not write a line itself. */
  lineLost(): void
  /** There is room again, and before the next line so many are missing. */
  linesMissing(lines: number): void
}

/** `told` is called only when lines are lost: at the start, what it returns may not exist yet. */
export function lineOutput(fd: number, told: () => Told): LineOutput {
  const output = withoutWaiting(fd)
  let gathered: string[] = []
  const unwritten: Buffer[] = []
  /** Octets that are gathered or unwritten; of the gathered ones, their number of characters. */
  let bytes = 0
  let missing = 0
  let isFull = false
  let isCut = false
  let isSlow = false

  const lose = (): void => {
    missing += 1
    told().lineLost()
  }
  const drain = (): void => {
    if (gathered.length > 0) {
      const text = gathered.join('')
      gathered = []
      const encoded = harmless(text)
      unwritten.push(encoded)
      bytes += encoded.length - text.length
    }
    isSlow = false
    try {
      for (let next = unwritten[0]; next !== undefined; next = unwritten[0]) {
        const written = writeSync(output, next)
        isCut = written < next.length && next[written - 1] !== lineFeed
        advance(next, written)
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      isSlow = code === 'EAGAIN'
      if (code === 'EPIPE' && isCut) forgetTheCutLine()
    }
  }
  const advance = (first: Buffer, by: number): void => {
    bytes -= by
    if (by === first.length) unwritten.shift()
    else unwritten[0] = first.subarray(by)
  }
  /**
   * The beginning of the line went to a reader that is gone: the rest is dropped, so that the next reader begins with a whole
   * line.
   */
  const forgetTheCutLine = (): void => {
    const [first] = unwritten
    if (first === undefined) return
    isCut = false
    advance(first, first.indexOf(lineFeed) + 1)
    lose()
  }
  const flush = (): void => {
    drain()
    if (bytes <= fewWaiting) isFull = false
    if (missing === 0 || isFull) return
    const lines = missing
    missing = 0
    told().linesMissing(lines)
    drain()
  }
  const flushing = setInterval(flush, flushMs)
  return {
    write: (line) => {
      isFull ||= bytes >= mostWaiting
      if (isFull) {
        lose()
        return
      }
      bytes += line.length
      if (gathered.push(line) >= flushLines) flush()
    },
    flush,
    close: () => {
      clearInterval(flushing)
      const end = performance.now() + lastWordsMs
      flush()
      while (isSlow && performance.now() < end) {
        pause(lookMs)
        flush()
      }
    },
  }
}

/**
 * Characters that JSON leaves as they are and a terminal obeys: C1 controls, line separators, and those that set a text's
 * direction.
 */
const obeyed = /[\x80-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** Lines of JSON as octets, with `obeyed` characters escaped: strangers are quoted in them, and people read them on a terminal. */
function harmless(lines: string): Buffer {
  const octets = Buffer.from(lines)
  // Nearly always it is all ASCII, which has none of them.
  return octets.length === lines.length ? octets : Buffer.from(lines.replace(obeyed, escaped))
}

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Blocks the whole process. */
export const pause = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
