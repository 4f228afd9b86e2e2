/** Where log lines go: gathered for a moment, never waited for; a reader that is slow or gone stops no mail. */
import { writeSync } from 'node:fs'

/** A write for each line would cost more than the rest of the line. */
const flushMs = 50
const flushLines = 64
/** What a reader that is too slow may leave waiting; beyond that, lines are lost and mail goes on. */
const unwrittenBytes = 1_048_576

export type LineOutput = {
  write(line: string): void
  /** Writes what is gathered. Never waits and never throws. */
  flush(): void
  close(): void
}

export function lineOutput(fd: number): LineOutput {
  let gathered: string[] = []
  let unwritten: Buffer = Buffer.alloc(0)

  const flush = (): void => {
    if (gathered.length > 0) unwritten = Buffer.concat([unwritten, Buffer.from(gathered.join(''))])
    gathered = []
    try {
      while (unwritten.length > 0) unwritten = unwritten.subarray(writeSync(fd, unwritten))
    } catch (error) {
      const slow = (error as NodeJS.ErrnoException).code === 'EAGAIN' && unwritten.length < unwrittenBytes
      if (!slow) unwritten = Buffer.alloc(0)
    }
  }
  const flushing = setInterval(flush, flushMs)
  return {
    write: (line) => {
      if (gathered.push(line) >= flushLines) flush()
    },
    flush,
    close: () => {
      clearInterval(flushing)
      flush()
    },
  }
}
