/** Attempts that a crash leaves open are counted at the next start, once, as messages that may arrive twice (case S04). */
import { execFileSync, spawnSync } from 'node:child_process'
import { pbkdf2 } from 'node:crypto'
import { constants, mkdirSync, openSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { OpenAttempts } from '../../../relay/delivery/open-attempts.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { traceable } from '../spool/traceable.ts'
import { idsIn } from './attempts-file.ts'
import { silence } from './behaviour.ts'
import { MemorySpool } from './memory-spool.ts'
import { oneSmarthost, rig } from './rig.ts'
import { envelope, hello } from './samples.ts'
import { startSmarthost } from './smarthost.ts'

const file = (): string => join(temporaryFolder(), 'open-attempts')

function unexpected(error: unknown): never {
  throw error
}

test('the first process on a spool finds no open attempts', async () => {
  const attempts = new OpenAttempts(file(), unexpected)
  expect(attempts.takeLeft()).toEqual([])
  await attempts.close()
})

test('a process that is killed leaves in the file the attempts that it had begun and not ended', async () => {
  const path = file()
  const killed = new OpenAttempts(path, unexpected)
  killed.takeLeft()
  const ids = ['0aaaaaaaaaaaaaa', '0bbbbbbbbbbbbbb', '0cccccccccccccc']
  const [first = 0, second = 0] = ids.map((id) => killed.begin(id))
  await killed.written()
  expect(idsIn(path)).toEqual(ids)
  killed.end(first)
  await until('the file is written', () => idsIn(path).length === 2)
  killed.begin('0dddddddddddddd')
  killed.end(second)
  await until('the file is written', () => idsIn(path).join() === '0dddddddddddddd,0cccccccccccccc')
  const next = new OpenAttempts(path, unexpected)
  expect(next.takeLeft().toSorted()).toEqual(['0cccccccccccccc', '0dddddddddddddd'])
  await until('the file holds no attempt any more', () => idsIn(path).length === 0)
  expect(new OpenAttempts(path, unexpected).takeLeft()).toEqual([])
})

test('the line of a message that has left the spool goes when the next attempt begins, or a moment later', async () => {
  const path = file()
  const attempts = new OpenAttempts(path, unexpected)
  const first = attempts.begin('0aaaaaaaaaaaaaa')
  await attempts.written()
  attempts.leave(first)
  expect(attempts.written()).toBeUndefined()
  const second = attempts.begin('0bbbbbbbbbbbbbb')
  await attempts.written()
  expect(idsIn(path)).toEqual(['0bbbbbbbbbbbbbb'])
  attempts.leave(second)
  await until('the file is written', () => idsIn(path).length === 0)
  const third = attempts.begin('0cccccccccccccc')
  await attempts.written()
  attempts.leave(third)
  await attempts.close()
  expect(idsIn(path)).toEqual([])
})

test('many attempts at one time are all in the file, and their room in it is used again', async () => {
  const path = file()
  const attempts = new OpenAttempts(path, unexpected)
  const id = (n: number): string => `0${n.toString().padStart(14, '0')}`
  for (let round = 0; round < 3; round++) {
    const open = Array.from({ length: 500 }, (_, i) => attempts.begin(id(round * 500 + i)))
    await attempts.written()
    expect(idsIn(path).length === 500 && idsIn(path).includes(id(round * 500 + 499))).toBe(true)
    for (const line of open) attempts.end(line)
  }
  await attempts.close()
  expect(idsIn(path)).toEqual([])
  expect(readFileSync(path)).toHaveLength(32 * 500)
})

test('the file takes room for the usual number of attempts beforehand, and a start cuts a longer one to that', async () => {
  const path = file()
  const attempts = new OpenAttempts(path, unexpected)
  attempts.takeLeft()
  await attempts.close()
  const usual = readFileSync(path).length
  expect(usual).toBeGreaterThanOrEqual(32 * 100)
  writeFileSync(path, `${'0aaaaaaaaaaaaaa'.padEnd(31)}\n`.repeat(10_000))
  const next = new OpenAttempts(path, unexpected)
  expect(next.takeLeft()).toHaveLength(10_000)
  next.begin('0bbbbbbbbbbbbbb')
  await next.close()
  expect(readFileSync(path)).toHaveLength(usual)
  expect(idsIn(path)).toEqual(['0bbbbbbbbbbbbbb'])
})

test('a file in which anything else stands does no harm', async () => {
  const path = file()
  writeFileSync(path, Buffer.from([0, 255, 10, 13, 10, 7]))
  const attempts = new OpenAttempts(path, unexpected)
  attempts.takeLeft()
  attempts.begin('0aaaaaaaaaaaaaa')
  await attempts.written()
  expect(idsIn(path)).toContain('0aaaaaaaaaaaaaa')
  await attempts.close()
})

test('of a file that is longer than all attempts could make it no more is read than they could fill, since mail needs the memory (case S12)', async () => {
  const path = file()
  writeFileSync(path, `${'0aaaaaaaaaaaaaa'.padEnd(31)}\n`)
  truncateSync(path, 100 * 1024 * 1024)
  const attempts = new OpenAttempts(path, unexpected)
  const left = attempts.takeLeft()
  expect(left).toContain('0aaaaaaaaaaaaaa')
  expect(left.join('').length).toBeLessThan(2 * 1024 * 1024)
  await attempts.close()
  expect(readFileSync(path).length).toBeLessThan(8192)
})

test.each([
  ['opened', mkdirSync, 'EISDIR'],
  ['read, since it is a pipe,', (path: string) => execFileSync('mkfifo', [path]), 'EAGAIN'],
])('a file of open attempts that can not be %s is reported, and mail is delivered all the same', async (_what, make, code) => {
  const upstream = await startSmarthost()
  const path = file()
  make(path)
  const { spool, facts, delivery } = rig(oneSmarthost(upstream.port), { attemptsFile: path })
  expect(facts('unexpected')).toEqual([['open-attempts', expect.objectContaining({ code })]])
  spool.put(envelope(hello), hello)
  await until('the message is delivered', () => spool.stored.size === 0)
  await delivery.close(0)
})

test.runIf(traceable())(
  'a file that the disk gives out only when it is asked again tells of the attempts that were left open (case S04)',
  () => {
    const path = file()
    writeFileSync(path, `${'0aaaaaaaaaaaaaa'.padEnd(31)}\n`)
    const module = new URL('../../../relay/delivery/open-attempts.ts', import.meta.url).pathname
    const program = `
    const [, module, path] = process.argv
    const { OpenAttempts } = await import(module)
    console.log(new OpenAttempts(path, console.log).takeLeft().join())
  `
    const fails = ['-P', path, '-e', 'inject=read,pread64:error=EIO:when=1']
    const node = [process.execPath, '--input-type=module', '-e', program, module, path]
    const env = { ...process.env, NODE_OPTIONS: '', NODE_DISABLE_COMPILE_CACHE: '1' }
    const calls = `${path}.calls`
    const { stdout } = spawnSync('strace', ['-f', '-qq', '-o', calls, ...fails, ...node], { encoding: 'utf8', env })
    expect(readFileSync(calls, 'utf8')).toContain('EIO (Input/output error) (INJECTED)')
    expect(stdout).toBe('0aaaaaaaaaaaaaa\n')
  },
)

test('on a volume that has become read-only the attempts that were left open are reported, and new ones are noted when it takes writes', async () => {
  const path = file()
  writeFileSync(path, `${'0aaaaaaaaaaaaaa'.padEnd(31)}\n`)
  const error = Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS' })
  const readOnly: typeof openSync = (at, flags, mode) => {
    if ((Number(flags) & constants.O_RDWR) !== 0) throw error
    return openSync(at, flags, mode)
  }
  const told: unknown[] = []
  const attempts = new OpenAttempts(path, (why) => told.push(why), readOnly)
  expect(attempts.takeLeft()).toEqual(['0aaaaaaaaaaaaaa'])
  expect(told).toEqual([error])
  attempts.begin('0bbbbbbbbbbbbbb')
  await attempts.written()
  expect(idsIn(path)).toEqual(['0bbbbbbbbbbbbbb'])
  await attempts.close()
})

test('after a crash in an attempt its message is reported as a possible duplicate, and no other message is', async () => {
  const upstream = await startSmarthost()
  const spool = new MemorySpool()
  const [open, waiting] = [spool.put(envelope(hello), hello).envelope, spool.put(envelope(hello), hello).envelope]
  const gone = '0zzzzzzzzzzzzzz'
  const { facts, attempted } = rig(oneSmarthost(upstream.port), {
    spool,
    openAttempts: `${open.queueId.padEnd(31)}\n${gone.padEnd(31)}\n`,
  })
  await attempted(2)
  expect(facts('interrupted')).toEqual([[open.queueId]])
  expect(upstream.received).toHaveLength(2)
  expect(waiting.queueId).not.toBe(open.queueId)
})

test('a possible duplicate is in the log before it leaves the file, so that a kill in between leaves it in one of the two', async () => {
  const upstream = await startSmarthost()
  const spool = new MemorySpool()
  const { queueId } = spool.put(envelope(hello), hello).envelope
  const path = file()
  writeFileSync(path, `${queueId.padEnd(31)}\n`)
  const flushed: (readonly string[])[] = []
  const flushLog = () => void flushed.push(idsIn(path))
  const { attempted, facts } = rig(oneSmarthost(upstream.port), { spool, attemptsFile: path, flushLog })
  expect([flushed, facts('interrupted')]).toEqual([[[queueId]], [[queueId]]])
  await attempted(1)
})

test('an attempt that may have delivered is in the log before it leaves the file (case S04)', async () => {
  const upstream = await startSmarthost({ script: { dot: silence } })
  const path = file()
  let flushes: (readonly string[])[] = []
  let told = (): readonly string[] => []
  const flushLog = () => void flushes.push([...idsIn(path), ...told()])
  const { spool, attempts } = rig(oneSmarthost(upstream.port), { attemptsFile: path, flushLog })
  told = () => attempts.map(({ outcome }) => outcome.kind)
  flushes = []
  const { queueId } = spool.put(envelope(hello), hello).envelope
  await until('the message is on its way', () => upstream.times('dot') === 1)
  upstream.dropAll()
  await until('the attempt has left the file', () => idsIn(path).length === 0)
  expect(flushes).toEqual([[queueId, 'ambiguous']])
})

test('an attempt is in the file before its content can have arrived, however long writing the file takes (case S04)', async () => {
  const path = file()
  const inFile: boolean[] = []
  const spool = new MemorySpool()
  const upstream = await startSmarthost({
    script: {
      MAIL: () => {
        const [{ envelope: tried } = { envelope: undefined }] = [...spool.stored.values()]
        inFile.push(tried !== undefined && idsIn(path).includes(tried.queueId))
        return undefined
      },
    },
  })
  const { attempted } = rig(oneSmarthost(upstream.port), { spool, attemptsFile: path })
  // The threads that write to the disk are kept busy by this.
  let busy = true
  const work = (): void => void (busy && pbkdf2('x', 'y', 20_000, 32, 'sha256', work))
  for (let thread = 0; thread < 8; thread += 1) work()
  for (let n = 1; n <= 10; n += 1) {
    spool.put(envelope(hello), hello)
    await attempted(n)
    await until('the message has left the queue', () => spool.stored.size === 0)
  }
  busy = false
  expect(inFile).toEqual(Array.from({ length: 10 }, () => true))
})

test('an attempt is in the file while it is open, and no longer', async () => {
  const upstream = await startSmarthost({ script: { dot: silence } })
  const { spool, attemptsFile } = rig(oneSmarthost(upstream.port))
  const { queueId } = spool.put(envelope(hello), hello).envelope
  await until('the message is on its way', () => upstream.times('dot') === 1)
  await until('the attempt is in the file', () => idsIn(attemptsFile).join() === queueId)
  upstream.dropAll()
  await until('the attempt has left the file', () => idsIn(attemptsFile).length === 0)
})

test('an attempt whose outcome the spool can not record stays in the file', async () => {
  const upstream = await startSmarthost()
  const spool = new MemorySpool()
  const { attemptsFile, attempted } = rig(oneSmarthost(upstream.port), { spool, repeatMs: 60_000 })
  spool.broken.add('remove')
  const { queueId } = spool.put(envelope(hello), hello).envelope
  await attempted(1)
  // The file is written anew for the next attempt: what had left it would not be in it any more.
  const next = spool.put(envelope(hello), hello).envelope
  await attempted(2)
  expect(idsIn(attemptsFile).toSorted()).toEqual([queueId, next.queueId].toSorted())
})

test('an attempt whose outcome the spool records at last leaves the file', async () => {
  const upstream = await startSmarthost()
  const spool = new MemorySpool()
  spool.broken.add('remove')
  const { attemptsFile, attempted } = rig(oneSmarthost(upstream.port), { spool, repeatMs: 20 })
  const { queueId } = spool.put(envelope(hello), hello).envelope
  await attempted(1)
  await until('the attempt is in the file', () => idsIn(attemptsFile).join() === queueId)
  spool.broken.clear()
  await until('the attempt is no longer in the file', () => idsIn(attemptsFile).length === 0)
  expect(spool.stored.size).toBe(0)
})
