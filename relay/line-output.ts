/** Where log lines go: gathered for a moment, never waited for; a reader that is slow or gone stops no mail. */
import { writeSync } from 'node:fs'
import { withoutWaiting } from './without-waiting.ts'

/** A write for each line would cost more than the rest of the line. */
const flushMs = 50
const flushLines = 64
/** What a reader that is too slow may leave waiting; beyond that, lines are lost and mail goes on. */
const mostWaiting = 1_048_576
/** Lines are taken again when so much is left: a log has few gaps instead of many. */
const fewWaiting = mostWaiting / 2
/** At the end a reader that is slow has so long for the last lines. */
const lastWordsMs = 1000
const lookMs = 10

const lineFeed = 0x0a

export type LineOutput = {
  /** Never waits and never throws. */
  write(line: string): void
  /** Now, as far as the reader takes it: what is not to be lost with the process. */
  flush(): void
  /** For the end of the process: whoever reads gets the last lines. */
  close(): void
}

type Told = {
  /** Nothing is to be written here. */
  lineLost(): void
  /** There is room again, and so many are missing before the next line that is written. */
  linesMissing(lines: number): void
}

/** `told` is asked for when lines are lost, and not before. */
export function lineOutput(fd: number, told: () => Told): LineOutput {
  const output = withoutWaiting(fd)
  let gathered: string[] = []
  const unwritten: Buffer[] = []
  /** Of both; of what is gathered, about. */
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
  /** Its beginning went with the last reader: the next one, if there is one, begins with a whole line. */
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

/** What JSON leaves as it is, and a terminal obeys: C1 controls, line ends, and who turns the direction of a text around. */
const obeyed = /[\x80-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** Lines of JSON, in octets: strangers are quoted in them, and people read them on a terminal. They say the same as before. */
function harmless(lines: string): Buffer {
  const octets = Buffer.from(lines)
  // Nearly always all of it is ASCII.
  return octets.length === lines.length ? octets : Buffer.from(lines.replace(obeyed, escaped))
}

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Nothing else happens meanwhile. */
const pause = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
