/** A process goes on when the reader of its log is slow, stands still or is gone, and whoever reads that log gets whole lines. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { lineOutput } from '../../relay/line-output.ts'
import { standStill } from '../local/stand-still.ts'
import { temporaryFolder } from '../local/temporary.ts'
import { until } from '../local/until.ts'

const program = join(import.meta.dirname, 'chatty-program.ts')
/** So many lines, of 200 octets each, are more than the system and the process together keep. */
const tooMany = 8000

/** `open` begins to read; until it is called nobody does. */
type Way = {
  readonly child: ChildProcess
  open(): Readable
  /** Of a pipe: reads what is in it, and nobody does from then on, until `open` is called. */
  empty?(): string
}

const ways: Readonly<Record<string, () => Way>> = {
  pipe() {
    const path = join(temporaryFolder(), 'log')
    execFileSync('mkfifo', [path])
    const read = () => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const first = read()
    const end = openSync(path, constants.O_WRONLY)
    const child = spawn(process.execPath, [program], { stdio: ['ignore', end, 'inherit', 'ipc'] })
    closeSync(end)
    let fresh: number | undefined = first
    const taken = () => {
      const fd = fresh ?? read()
      fresh = undefined
      return fd
    }
    const empty = () => {
      const fd = taken()
      const text = allIn(fd)
      closeSync(fd)
      return text
    }
    return { child, empty, open: () => new Socket({ fd: taken(), readable: true, writable: false }) }
  },
  socket() {
    const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
    if (child.stdout === null) throw new Error('it has no output')
    const { stdout } = child
    return { child, open: () => stdout }
  },
}

/** All that a pipe has, from a reader that does not wait for more. */
function allIn(fd: number): string {
  const chunk = Buffer.alloc(65_536)
  let text = ''
  try {
    for (;;) text += chunk.toString('latin1', 0, readSync(fd, chunk))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    return text
  }
}

function chatty(kind: string) {
  const way = ways[kind]?.()
  if (way === undefined) throw new Error(kind)
  const { child, open, empty = () => '' } = way
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  return {
    open,
    /** What is in the pipe now goes to a reader that is gone behind it; the process stands still meanwhile, and adds nothing. */
    async emptied(): Promise<string> {
      await standStill(child)
      const text = empty()
      child.kill('SIGCONT')
      return text
    },
    /** Has the process write so many lines; returns how many it has lost so far. */
    async write(lines: number): Promise<number> {
      const answer = once(child, 'message', { signal: AbortSignal.timeout(10_000) })
      child.send(lines)
      const [{ lost }] = (await answer) as [{ lost: number }]
      return lost
    },
    /** Resolves when it has begun to end. */
    ending: () => once(child, 'message', { signal: AbortSignal.timeout(10_000) }),
    async end(): Promise<number | null> {
      const exit = once(child, 'exit', { signal: AbortSignal.timeout(10_000) })
      child.kill('SIGTERM')
      await exit
      return child.exitCode
    },
  }
}

/** Collects everything that comes from now on. */
function reading(from: Readable) {
  let text = ''
  from.setEncoding('utf8').on('data', (chunk) => {
    text += String(chunk)
  })
  return { lines: () => text.split('\n').slice(0, -1), text: () => text, stop: () => from.destroy() }
}

const whole = /^(\d+) é{95}$/
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

test.each(
  Object.keys(ways),
)('a log in a %s that nobody reads stops nothing, and the process ends when it is asked to (case R20)', async (kind) => {
  const { write, end } = chatty(kind)
  const lost = await write(tooMany)
  expect(lost).toBeGreaterThan(0)
  expect(await write(1)).toBe(lost + 1)
  expect(await end()).toBe(0)
})

test.each(
  Object.keys(ways),
)('when the reader of a %s comes back it gets whole lines in their order, and at the gap is told how many are missing', async (kind) => {
  const { write, open } = chatty(kind)
  const lost = await write(tooMany)
  const kept = tooMany - lost
  const { lines } = reading(open())
  await until('the gap is told', () => lines().length > kept)
  await write(100)
  await until('the reader has the rest', () => lines().length > kept + 100)
  expect(lines()[kept]).toBe(`missing ${lost}`)
  const read = lines().toSpliced(kept, 1)
  expect(read.map((line) => Number(whole.exec(line)?.[1]))).toEqual([
    ...numbers(0, kept),
    ...numbers(tooMany, tooMany + 100),
  ])
})

test.each(
  Object.keys(ways),
)('a reader of a %s that begins only when the process ends gets all lines, the last ones, too', async (kind) => {
  const { write, end, ending, open } = chatty(kind)
  expect(await write(3000)).toBe(0)
  const exit = end()
  await ending()
  const { lines } = reading(open())
  expect(await exit).toBe(0)
  await until('the reader has all lines', () => lines().length === 3000)
  expect(lines().map((line) => Number(whole.exec(line)?.[1]))).toEqual(numbers(0, 3000))
})

test('the next reader of a pipe whose reader is gone begins with a whole line', async () => {
  const { write, open, emptied } = chatty('pipe')
  await write(3000)
  expect(await emptied(), 'its last line is cut').toMatch(/[^\n]$/)
  await write(1000)
  const next = reading(open())
  await until('the next reader has the newest line', () => next.text().includes('3999 '))
  expect(next.lines().filter((line) => !whole.test(line) && !line.startsWith('missing '))).toEqual([])
})

test('text of a stranger in a line of the log commands no terminal, and the JSON still says the same (case R14)', () => {
  const file = join(temporaryFolder(), 'log')
  const fd = openSync(file, 'w')
  const output = lineOutput(fd, () => ({ lineLost: () => {}, linesMissing: () => {} }))
  const line = { address: 'ü\u009b2J\u0085\u202e\u2066@x.example', text: '\x1b\u2028' }
  output.write(`${JSON.stringify(line)}\n`)
  output.close()
  closeSync(fd)
  const written = readFileSync(file, 'utf8')
  expect(written).not.toMatch(/(?!\n)[\p{Cc}\p{Zl}\p{Bidi_Control}]/u)
  expect(written).toContain('ü')
  expect(JSON.parse(written)).toEqual(line)
})

test('a line is with the reader as soon as the output is flushed', () => {
  const path = join(temporaryFolder(), 'log')
  const fd = openSync(path, 'a')
  onTestFinished(() => closeSync(fd))
  const output = lineOutput(fd, () => {
    throw new Error('nothing is lost')
  })
  onTestFinished(() => output.close())
  output.write('a line\n')
  expect(readFileSync(path, 'utf8')).toBe('')
  output.flush()
  expect(readFileSync(path, 'utf8')).toBe('a line\n')
})
