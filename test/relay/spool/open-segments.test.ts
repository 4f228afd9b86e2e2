/** A few segments stay open for reading, the last used ones, and none is closed under somebody who reads it. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { OpenSegments } from '../../../relay/spool/open-segments.ts'
import { pathsOf } from '../../../relay/spool/paths.ts'
import { nonceBytes } from '../../../relay/spool/record.ts'
import { newSegment } from '../../../relay/spool/segment.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { FailingDisk } from './failing-disk.ts'
import { openFilesIn } from './open-files.ts'

function withSegments(count: number) {
  const directory = temporaryFolder()
  const paths = pathsOf(directory)
  mkdirSync(paths.journal, { recursive: true })
  const failing = new FailingDisk()
  const segments = Array.from({ length: count }, (_, n) => newSegment(n + 1, randomBytes(nonceBytes)))
  for (const [n, { name }] of segments.entries()) writeFileSync(paths.segment(name), `segment ${n}`)
  const open = new OpenSegments(failing.disk, paths)
  onTestFinished(() => open.close())
  const read = async (n: number) => {
    const segment = segments[n]
    if (segment === undefined) throw new Error(`no segment ${n}`)
    return String(await open.read({ segment, at: 0, bytes: 100 }))
  }
  const descriptors = () => openFilesIn(directory).length
  const opened = () => failing.calls.filter((call) => call === 'open journal').length
  return { failing, segments, open, read, descriptors, opened }
}

test('of many segments that are read sixteen stay open, and these are the last used ones', async () => {
  const { read, descriptors, opened } = withSegments(40)
  for (let n = 0; n < 40; n += 1) {
    expect(await read(n)).toBe(`segment ${n}`)
    expect(await read(0)).toBe('segment 0')
  }
  await until('the others are closed', () => descriptors() === 16)
  expect(opened()).toBe(40)
  for (let n = 25; n < 40; n += 1) await read(n)
  expect(opened()).toBe(40)
})

test.each<[string, (open: OpenSegments, under: ReturnType<typeof withSegments>) => Promise<unknown>]>([
  ['deleted', async (open, { segments: [first] }) => first && open.forget(first)],
  ['the least used of many', (_open, { read }) => Promise.all(Array.from({ length: 20 }, (_, n) => read(n + 1)))],
  [
    'read elsewhere with an error',
    async (_open, { failing, read }) => {
      failing.failing.set('read journal', 'EIO')
      await expect(read(0)).rejects.toThrow('EIO')
      failing.failing.clear()
    },
  ],
])('a segment that is %s while it is read is closed when that is over', async (_what, meanwhile) => {
  const under = withSegments(21)
  const { failing, open, read, descriptors } = under
  const gate = Promise.withResolvers<void>()
  failing.waiting.set('read journal', gate.promise)
  const reading = read(0)
  await until('the disk is asked', () => failing.calls.includes('read journal'))
  failing.waiting.clear()
  await meanwhile(open, under)
  gate.resolve()
  expect(await reading).toBe('segment 0')
  await until('it is closed', () => descriptors() === Math.min(16, under.opened() - 1))
})

test('who closes them all waits until they are closed', async () => {
  const { failing, open, read, descriptors } = withSegments(2)
  await Promise.all([read(0), read(1)])
  failing.waiting.set('close journal', new Promise((resolve) => setImmediate(resolve)))
  await open.close()
  expect(descriptors()).toBe(0)
})

test('a reader that fails late closes only what it has read itself', async () => {
  const { failing, open, read, descriptors } = withSegments(1)
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const failed: Promise<string>[] = []
  const asked = () => failing.calls.filter((call) => call === 'read journal').length
  for (const [n, gate] of [first, second].entries()) {
    failing.waiting.set('read journal', gate.promise)
    failed.push(read(0).catch(String))
    await until('the disk is asked', () => asked() === n + 1)
  }
  failing.waiting.clear()
  failing.failing.set('read journal', 'EIO')
  first.resolve()
  expect(await failed[0]).toContain('EIO')
  failing.failing.clear()
  expect(await read(0)).toBe('segment 0')
  failing.failing.set('read journal', 'EIO')
  second.resolve()
  expect(await failed[1]).toContain('EIO')
  await open.close()
  expect(descriptors()).toBe(0)
})

test('that a segment can be neither opened nor closed is an error of those alone who read it', async () => {
  const { failing, segments, open, read } = withSegments(2)
  failing.failing.set('open journal', 'EMFILE')
  await expect(read(0)).rejects.toThrow('EMFILE')
  failing.failing.clear()
  expect(await read(0)).toBe('segment 0')
  failing.failing.set('close journal', 'EIO')
  const [first] = segments
  if (first !== undefined) open.forget(first)
  await open.close()
})
