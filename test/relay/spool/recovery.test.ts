/** A start finds what is ours in a spool with damaged, missing and unknown files, sets those aside, and tells of them once. */
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openSpool } from '../../../relay/spool/file-spool.ts'
import { smallBytes } from '../../../relay/spool/incoming.ts'
import { encode } from '../../../relay/spool/record.ts'
import { parseSegmentName } from '../../../relay/spool/segment.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { accept, contentOf, draft, pending } from './contents.ts'
import { filled, found } from './filled.ts'
import { listening, octets } from './samples.ts'

test('a message with damaged content is given up and its segment set aside, and the other messages stay (case S12)', async () => {
  const spool = await filled()
  const bytes = readFileSync(spool.segment)
  bytes.write('!', bytes.indexOf(contentOf(40, 40)) + 20)
  writeFileSync(spool.segment, bytes)
  const { ids, told, setAside } = await found(spool, 1)
  expect(ids).toEqual([spool.large, spool.last])
  expect(told).toEqual([
    expect.stringMatching(
      `quarantined /journal/0000000001-[0-9a-f]{16}\\.log: the content of message ${spool.small} is damaged, at octet \\d+`,
    ),
    'recovered 2 swept 0',
  ])
  expect(spool.segment).toContain(setAside[0])
  expect(readFileSync(join(spool.directory, 'quarantine', setAside[0] ?? '')).equals(bytes)).toBe(true)
  expect(await found(spool)).toEqual({ ids: [spool.large, spool.last], told: ['recovered 2 swept 0'], setAside })
})

test('a stray file whose name comes behind the newest segment keeps no content of that segment from being checked', async () => {
  const spool = await filled()
  const bytes = readFileSync(spool.segment)
  bytes.write('!', bytes.indexOf(contentOf(50, 50)) + 20)
  writeFileSync(spool.segment, bytes)
  writeFileSync(`${spool.segment}~`, 'of an editor')
  const { ids, told } = await found(spool, 2)
  expect(ids).toEqual([spool.small, spool.large])
  expect(told.filter((line) => line.startsWith('quarantined'))).toEqual([
    expect.stringContaining(`the content of message ${spool.last} is damaged`),
    expect.stringMatching(/\.log~: is no file of the journal$/),
  ])
})

test('of a newest segment that was cut anywhere whole messages are found, and no others (case S01)', async () => {
  const spool = await filled()
  const whole = readFileSync(spool.segment)
  const all = [spool.small, spool.large, spool.last]
  const copy = temporaryFolder()
  for (let length = whole.length - 1; length > 0; length -= 7) {
    rmSync(copy, { recursive: true })
    for (const folder of ['journal', 'large', 'quarantine']) mkdirSync(join(copy, folder), { recursive: true })
    writeFileSync(join(copy, 'journal', spool.segment.slice(-31)), whole.subarray(0, length))
    writeFileSync(join(copy, 'large', `${spool.large}.eml`), contentOf(140_000, 140_000))
    const { ids } = await found({ ...spool, directory: copy })
    expect(ids, `cut at ${length}`).toEqual(all.slice(0, ids.length))
  }
})

test.each([
  ['of no octets', 0],
  ['cut in its first record', 20],
])('a segment %s is set aside and the start goes on (case S12)', async (_what, length) => {
  const spool = await filled()
  truncateSync(spool.segment, length)
  const { ids, told, setAside } = await found(spool, 2)
  expect(ids).toEqual([])
  expect(told).toEqual([
    expect.stringContaining('holds no whole record'),
    // The record of the large content is in the damaged segment: beside damage no content is swept.
    `quarantined /large/${spool.large}.eml: no record names it, and records are damaged`,
    'recovered 0 swept 0',
  ])
  expect(setAside).toHaveLength(2)
})

test('only of messages whose last word stands before the damage it is told that something about them may be lost (case S12)', async () => {
  const spool = await filled()
  const opened = await openSpool({ directory: spool.directory, events: listening().events })
  const [, newest = ''] = readdirSync(join(spool.directory, 'journal')).toSorted()
  const path = join(spool.directory, 'journal', newest)
  const waits = draft.forwardPaths.map((forwardPath) => ({ ...pending(forwardPath), attempts: 1 }))
  const at = statSync(path).size
  for (const queueId of [spool.small, spool.last]) await opened.record(queueId, waits)
  await opened.close()
  const bytes = readFileSync(path)
  bytes.write('!', bytes.indexOf('"', at) + 1)
  writeFileSync(path, bytes)
  const { told } = await found(spool)
  expect(told.filter((line) => line.startsWith('quarantined'))).toHaveLength(1)
  expect(told.filter((line) => line.startsWith('forgotten'))).toEqual([
    `forgotten ${spool.small}`,
    `forgotten ${spool.large}`,
  ])
})

test('an older segment that has become shorter counts as damaged, although the records that are left are whole', async () => {
  const spool = await filled()
  await found(spool)
  const bytes = readFileSync(spool.segment)
  truncateSync(spool.segment, bytes.lastIndexOf(parseSegmentName(spool.segment.slice(-31))?.nonce ?? ''))
  const { ids, told } = await found(spool, 1)
  expect(ids).toEqual([spool.small, spool.large])
  expect(told[0]).toMatch(/quarantined .*: ends at octet \d+ of \d+/)
})

test.each([
  ['journal', 'notes.txt', 'is no file of the journal'],
  ['journal', '0000000009-nonsense.log', 'is no file of the journal'],
  ['journal', '0000000009-0011223344556677.log', 'holds no whole record'],
  ['large', 'core', 'is no content'],
  ['large', '..eml', 'is no content'],
])('an unknown file %s/%s is set aside and never deleted', async (folder, name, why) => {
  const spool = await filled()
  writeFileSync(join(spool.directory, folder, name), 'what is this')
  const { ids, told, setAside } = await found(spool, 1)
  expect(ids).toHaveLength(3)
  const known = told.filter((line) => !line.startsWith('forgotten'))
  expect(known).toEqual([`quarantined /${folder}/${name}: ${why}`, 'recovered 3 swept 0'])
  expect(setAside).toEqual([name])
  expect(readFileSync(join(spool.directory, 'quarantine', name), 'utf8')).toBe('what is this')
})

test.each([
  '',
  '.tmp',
])('mail that was accepted beside a file 9999999999-<hex>.log%s, which has the last possible number, is found at the next start', async (end) => {
  const spool = await filled()
  writeFileSync(join(spool.directory, 'journal', `9999999999-0011223344556677.log${end}`), 'what is this')
  const opened = await openSpool({ directory: spool.directory, events: listening().events })
  const content = contentOf(60, 60)
  spool.contents.set((await accept(opened, content)).envelope.queueId, content)
  await opened.close()
  const { ids, told } = await found(spool)
  expect(ids).toHaveLength(4)
  expect(told).toEqual(['recovered 4 swept 0'])
})

test('two unknown files of one name are both kept', async () => {
  const spool = await filled()
  for (const n of [1, 2]) {
    writeFileSync(join(spool.directory, 'large', 'core'), `core ${n}`)
    await found(spool, n)
  }
  expect(readdirSync(join(spool.directory, 'quarantine'))).toEqual(['core', 'core.1'])
})

test('the file of a segment that was only being begun is swept', async () => {
  const spool = await filled()
  writeFileSync(join(spool.directory, 'journal', '0000000009-0011223344556677.log.tmp'), '')
  expect(await found(spool)).toMatchObject({ told: ['recovered 3 swept 1'], setAside: [] })
})

test.each([
  ['is gone', (path: string) => rmSync(path), 'is gone', 0],
  ['is empty', (path: string) => truncateSync(path, 0), 'has 0 octets instead of 140000', 1],
  ['was cut', (path: string) => truncateSync(path, 139_999), 'has 139999 octets instead of 140000', 1],
])('a message whose large content %s is ended, which is told once', async (_what, damage, why, setAside) => {
  const spool = await filled()
  damage(join(spool.directory, 'large', `${spool.large}.eml`))
  const first = await found(spool, setAside)
  expect(first.ids).toEqual([spool.small, spool.last])
  expect(first.told).toEqual([`quarantined /large/${spool.large}.eml: ${why}`, 'recovered 2 swept 0'])
  expect((await found(spool)).told).toEqual(['recovered 2 swept 0'])
})

test.each([
  0, 65_535, 139_999,
])('a change at octet %d of large content is noticed before its end is given out', async (at) => {
  const spool = await filled()
  const path = join(spool.directory, 'large', `${spool.large}.eml`)
  const bytes = readFileSync(path)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(path, bytes)
  const told = listening()
  const opened = await openSpool({ directory: spool.directory, events: told.events })
  let given = 0
  const read = async () => {
    for await (const chunk of opened.content(spool.large)) given += chunk.length
  }
  await expect(read()).rejects.toThrow('is damaged')
  expect(given).toBeLessThan(140_000)
  expect(opened.has(spool.large)).toBe(false)
  expect(told.lines.filter((line) => line.startsWith('quarantined'))).toHaveLength(1)
  await until('the damage is set aside', () =>
    readdirSync(join(spool.directory, 'quarantine')).includes(`${spool.large}.eml`),
  )
  await opened.close()
  expect(await found(spool)).toMatchObject({ ids: [spool.small, spool.last], told: ['recovered 2 swept 0'] })
})

test('a change of a content in the journal while the spool is open is noticed before that content is given out', async () => {
  const spool = await filled()
  const told = listening()
  const opened = await openSpool({ directory: spool.directory, events: told.events })
  const bytes = readFileSync(spool.segment)
  bytes.write('!', bytes.indexOf(contentOf(40, 40)) + 20)
  writeFileSync(spool.segment, bytes)
  await expect(octets(opened.content(spool.small))).rejects.toThrow('is damaged')
  expect(opened.has(spool.small)).toBe(false)
  // Delivery may still record what became of the message.
  await opened.record(spool.small, [])
  await opened.remove(spool.small)
  await until('the damage is set aside', () => readdirSync(join(spool.directory, 'quarantine')).length === 1)
  await opened.close()
  expect(await found(spool)).toMatchObject({ ids: [spool.large, spool.last], told: ['recovered 2 swept 0'] })
})

test.each<[string, (path: string) => void]>([
  ['deleted', (path) => rmSync(path)],
  ['replaced by an older copy of it', (path) => renameSync(`${path}.copy`, path)],
])('a newest segment that somebody has %s takes no mail any more and is told, and the next segment takes mail (case S12)', async (_what, deed) => {
  const directory = temporaryFolder()
  const told = listening()
  const spool = await openSpool({ directory, events: told.events })
  const [name = ''] = readdirSync(join(directory, 'journal'))
  const path = join(directory, 'journal', name)
  copyFileSync(path, `${path}.copy`)
  await accept(spool, contentOf(1, 40))
  deed(path)
  const taken = () => accept(spool, contentOf(2, 40)).then(() => '', String)
  await expect.poll(taken, { timeout: 10_000 }).toContain(`${name} is gone or was replaced`)
  await until('the next segment takes mail', () => spool.fault === undefined)
  const lost = told.lines.filter((line) => line.startsWith('quarantined'))
  expect(lost).toEqual([`quarantined ${path}: is gone or was replaced while this relay works: mail in it may be lost`])
  const { queueId } = (await accept(spool, contentOf(3, 40))).envelope
  await spool.close()
  const { ids } = await found({ directory, contents: new Map([[queueId, contentOf(3, 40)]]) } as never)
  expect(ids).toEqual([queueId])
})

test('a content of more than four gigabytes is found in its full size at the next start', async () => {
  const spool = await filled()
  const nonce = Buffer.alloc(8, 7)
  const envelope = { ...draft, queueId: '0zzzzzzzz000000', bytes: 2 ** 32 + 7 }
  const { buffers } = encode(nonce, { kind: 'accepted', envelope, file: { crc: 0 } })
  writeFileSync(join(spool.directory, 'journal', `0000000002-${nonce.toString('hex')}.log`), Buffer.concat(buffers))
  const content = join(spool.directory, 'large', `${envelope.queueId}.eml`)
  writeFileSync(content, '')
  truncateSync(content, envelope.bytes)
  const { events, lines } = listening()
  const opened = await openSpool({ directory: spool.directory, events })
  expect(lines).toEqual(['recovered 4 swept 0'])
  expect(opened.outline(opened.handleOf(envelope.queueId) ?? -1)?.bytes).toBe(envelope.bytes)
  await opened.close()
})

test('a spool of a newer version is refused and left as it is', async () => {
  const spool = await filled()
  const nonce = Buffer.alloc(8, 7)
  const { buffers } = encode(nonce, { kind: 'opened', version: 2, ends: {} })
  const newer = join(spool.directory, 'journal', `0000000002-${nonce.toString('hex')}.log`)
  writeFileSync(newer, Buffer.concat(buffers))
  await expect(openSpool({ directory: spool.directory, events: listening().events })).rejects.toThrow('newer version')
  rmSync(newer)
  expect((await found(spool)).ids).toHaveLength(3)
})

test('a content of up to 128 KiB goes into the journal, and a larger one into a file of its own', () => {
  expect(smallBytes).toBe(131_072)
})
