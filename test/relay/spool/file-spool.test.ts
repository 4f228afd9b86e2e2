/** What a spool takes comes out as it went in, now and after a restart, until it is removed. */
import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { QueuedMessage } from '../../../relay/mail/envelope.ts'
import { type DiskFile, nodeDisk } from '../../../relay/spool/disk.ts'
import { openSpool } from '../../../relay/spool/file-spool.ts'
import { makeFolders } from '../../../relay/spool/folders.ts'
import { manyBytes, smallAmongMany, smallBytes } from '../../../relay/spool/incoming.ts'
import { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { SpoolError } from '../../../relay/spool/spool.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { accept, contentOf, draft, messagesOf, pending } from './contents.ts'
import { listening, octets } from './samples.ts'

async function opened(directory = temporaryFolder()) {
  const told = listening()
  return { directory, told, spool: await openSpool({ directory, events: told.events }) }
}
const files = (directory: string): string[] =>
  ['large', 'quarantine'].flatMap((folder) => readdirSync(join(directory, folder)))
const idsOf = (messages: Iterable<QueuedMessage>): string[] => [...messages].map((m) => m.envelope.queueId)

const sizes = [
  ['no octet', 0],
  ['one octet', 1],
  ['the largest size that goes into the journal', smallBytes],
  ['the smallest size that gets a file', smallBytes + 1],
  ['many chunks', 1_000_003],
] as const

test.each(sizes)('a content of %s comes out as it went in, now and after a restart', async (_what, bytes) => {
  const { spool, directory } = await opened()
  const content = contentOf(bytes, bytes)
  const message = await accept(spool, content)
  const { queueId } = message.envelope
  expect(message).toEqual({
    envelope: { ...draft, queueId, bytes },
    recipients: draft.forwardPaths.map(pending),
  })
  expect((await octets(spool.content(queueId))).equals(content)).toBe(true)
  expect(existsSync(join(directory, 'large', `${queueId}.eml`))).toBe(bytes > smallBytes)
  await spool.close()

  const { spool: again } = await opened(directory)
  expect(await messagesOf(again)).toEqual([message])
  expect((await octets(again.content(queueId))).equals(content)).toBe(true)
  await again.close()
})

test('while very much content is on its way, a smaller one already gets a file of its own', async () => {
  const { spool, directory } = await opened()
  const hasFile = async (bytes: number): Promise<boolean> => {
    const content = contentOf(bytes, bytes)
    const { queueId } = (await accept(spool, content)).envelope
    expect((await octets(spool.content(queueId))).equals(content)).toBe(true)
    return existsSync(join(directory, 'large', `${queueId}.eml`))
  }
  const onTheirWay = await Promise.all(Array.from({ length: 1 + manyBytes / smallBytes }, () => spool.receive()))
  await Promise.all(onTheirWay.map((incoming) => incoming.write(Buffer.alloc(smallBytes, 'x'))))
  expect([await hasFile(smallAmongMany), await hasFile(smallAmongMany + 1)]).toEqual([false, true])
  // A content that was in memory before goes into a file as it goes on, by which nothing of it is lost.
  const [first, ...others] = onTheirWay
  await first?.write(Buffer.alloc(1, 'x'))
  const accepted = await first?.commit(draft)
  expect(accepted && (await octets(spool.content(accepted.envelope.queueId))).length).toBe(smallBytes + 1)
  await Promise.all(others.map((incoming) => incoming.abort()))
  expect(await hasFile(smallAmongMany + 1)).toBe(false)
  await spool.close()
})

test('content that the disk has not taken yet counts as held in memory (case S20)', async () => {
  const directory = temporaryFolder()
  await makeFolders(nodeDisk, directory)
  const answer = Promise.withResolvers<void>()
  const begun: string[] = []
  const create = async (path: string): Promise<DiskFile> => {
    if (path.endsWith('.eml')) {
      begun.push(path)
      await answer.promise
    }
    return nodeDisk.create(path)
  }
  const { events } = listening()
  const disk = { ...nodeDisk, create }
  const spool = await JournalSpool.open({ directory, events, now: Date.now, disk, closed: () => {} })
  const large = await Promise.all(Array.from({ length: 1 + manyBytes / smallBytes }, () => spool.receive()))
  const writing = large.map((incoming) => incoming.write(Buffer.alloc(smallBytes + 1, 'x')))
  await until('the disk is asked for the file of each', () => begun.length === large.length)
  const smaller = await spool.receive()
  const held = smaller.write(Buffer.alloc(smallAmongMany + 1, 'x'))
  await Promise.race([held, until('it gets a file, too', () => begun.length > large.length)])
  expect(begun).toHaveLength(large.length + 1)
  answer.resolve()
  await Promise.all([...writing, held])
  await (await spool.receive()).write(Buffer.alloc(smallBytes, 'x'))
  expect(begun).toHaveLength(large.length + 1)
  await Promise.all([...large, smaller].map((incoming) => incoming.abort()))
  await spool.close()
})

test('an envelope keeps every field over a restart', async () => {
  const { spool, directory } = await opened()
  const full = {
    ...draft,
    reversePath: '',
    redirectedFrom: ['real@other.example'],
    disposition: 'capture',
    smtpUtf8: true,
    forwardPaths: ['päul@bücher.example'],
    reports: { queueId: 'zzzzzzzzzz', forwardPaths: ['a@b.example'] },
  } as const
  await accept(spool, contentOf(1, 10), { draft: full })
  await spool.close()
  const { spool: again } = await opened(directory)
  expect((await messagesOf(again)).map((m) => m.envelope)).toMatchObject([full])
  await again.close()
})

test('the states of recipients are durable when they are recorded, and the last ones count', async () => {
  const { spool, directory } = await opened()
  const { envelope } = await accept(spool, contentOf(1, 10))
  const [one, two] = draft.forwardPaths.map(pending)
  const first = [{ ...one, attempts: 1 }, two] as never
  const last = [{ ...one, attempts: 2, state: 'delivered', ambiguous: 1 }, two] as never
  await spool.record(envelope.queueId, first)
  await spool.record(envelope.queueId, last)
  expect((await messagesOf(spool)).map((m) => m.recipients)).toEqual([last])
  await spool.close()
  const { spool: again } = await opened(directory)
  expect((await messagesOf(again)).map((m) => m.recipients)).toEqual([last])
  await again.close()
})

test.each(sizes)('a removed message (%s) is gone, with its file, now and after a restart', async (_what, bytes) => {
  const { spool, directory } = await opened()
  const { envelope } = await accept(spool, contentOf(1, bytes))
  expect([spool.bytes, spool.has(envelope.queueId)]).toEqual([bytes, true])
  await spool.remove(envelope.queueId)
  await spool.remove(envelope.queueId)
  expect([spool.bytes, spool.has(envelope.queueId), idsOf(await messagesOf(spool))]).toEqual([0, false, []])
  await expect(octets(spool.content(envelope.queueId))).rejects.toThrow(SpoolError)
  await until('the file is gone', () => files(directory).length === 0)
  await spool.close()
  const { spool: again, told } = await opened(directory)
  expect([again.bytes, idsOf(await messagesOf(again)), told.lines]).toEqual([0, [], ['recovered 0 swept 0']])
  await again.close()
})

test('messages come in the order of their acceptance', async () => {
  const { spool, directory } = await opened()
  const ids: string[] = []
  for (let i = 0; i < 5; i += 1) {
    const { envelope } = await accept(spool, contentOf(i, 10), { draft: { acceptedAt: draft.acceptedAt + i } })
    ids.push(envelope.queueId)
  }
  expect(idsOf(await messagesOf(spool))).toEqual(ids)
  await spool.close()
  const { spool: again } = await opened(directory)
  expect(idsOf(await messagesOf(again))).toEqual(ids)
  await again.close()
})

describe('a message that is not committed', () => {
  test.each(sizes)('(%s) leaves nothing behind when it is aborted', async (_what, bytes) => {
    const { spool, directory } = await opened()
    const incoming = await spool.receive()
    await incoming.write(contentOf(1, bytes))
    await incoming.abort()
    await incoming.abort()
    expect([files(directory), idsOf(await messagesOf(spool)), spool.bytes]).toEqual([[], [], 0])
    await expect(incoming.write(Buffer.of(1))).rejects.toThrow('forgotten')
    await expect(incoming.commit(draft)).rejects.toThrow('forgotten')
    await spool.close()
  })

  test('is not seen, and is swept after a crash', async () => {
    const { spool, directory } = await opened()
    const incoming = await spool.receive()
    await incoming.write(contentOf(1, smallBytes + 1))
    expect([spool.has(incoming.queueId), idsOf(await messagesOf(spool))]).toEqual([false, []])
    await spool.close()
    expect(files(directory)).toHaveLength(1)
    const { spool: again, told } = await opened(directory)
    expect([files(directory), told.lines]).toEqual([[], ['recovered 0 swept 1']])
    await again.close()
  })
})

describe('a queue id', () => {
  test('may be chosen by the caller, once', async () => {
    const { spool } = await opened()
    const incoming = await spool.receive('chosen0000')
    await expect(spool.receive('chosen0000')).rejects.toThrow('queue id chosen0000 is taken')
    await incoming.commit(draft)
    expect(spool.has('chosen0000')).toBe(true)
    await expect(spool.receive('chosen0000')).rejects.toThrow('queue id chosen0000 is taken')
    await spool.close()
  })

  test('is free again after an abort, and after its message has left', async () => {
    const { spool, directory } = await opened()
    await (await spool.receive('chosen0000')).abort()
    await accept(spool, contentOf(1, 5), { queueId: 'chosen0000' })
    await spool.remove('chosen0000')
    await accept(spool, contentOf(2, 6), { queueId: 'chosen0000' })
    await spool.close()
    const { spool: again } = await opened(directory)
    expect((await octets(again.content('chosen0000'))).equals(contentOf(2, 6))).toBe(true)
    await again.close()
  })

  test('of another form is refused', async () => {
    const { spool } = await opened()
    await expect(spool.receive('../../../x')).rejects.toThrow('is no queue id')
    await spool.close()
  })
})

test('each message that becomes ours is told once, when it is durable; those of before the start are not', async () => {
  const { spool, directory } = await opened()
  await accept(spool, contentOf(1, 10))
  await spool.close()
  const { spool: again } = await opened(directory)
  const told: string[] = []
  again.onQueued((message) => {
    expect(again.has(message.envelope.queueId)).toBe(true)
    told.push(message.envelope.queueId)
  })
  const messages = await Promise.all([1, 2, 3].map((n) => accept(again, contentOf(n, 10))))
  expect(told.toSorted()).toEqual(idsOf(messages).toSorted())
  await again.close()
})

test('messages that wait at the same time are committed together', async () => {
  const { spool, told } = await opened()
  await Promise.all(Array.from({ length: 50 }, (_, n) => accept(spool, contentOf(n, 100))))
  const batches = told.lines.flatMap((line) => /^committed (\d+) true$/.exec(line)?.[1] ?? []).map(Number)
  expect(batches.reduce((a, b) => a + b, 0)).toBe(50)
  expect(batches.length).toBeLessThan(10)
  await spool.close()
})

test('however many recipients become ours at once, one write has a few thousand of them at most, and all of them become ours (case R15)', async () => {
  const { spool, told } = await opened()
  const forwardPaths = Array.from({ length: 1000 }, (_, n) => `a${n}@elsewhere.example`)
  const accepted = Array.from({ length: 50 }, (_, n) => accept(spool, contentOf(n, 100), { draft: { forwardPaths } }))
  expect(new Set(idsOf(await Promise.all(accepted))).size).toBe(50)
  const batches = told.lines.flatMap((line) => /^committed (\d+) true$/.exec(line)?.[1] ?? []).map(Number)
  expect(batches.reduce((a, b) => a + b, 0)).toBe(50)
  expect(Math.max(...batches)).toBeLessThan(15)
  await spool.close()
})

test('however many recipients get a new state at once, one write has no more of them than the event loop may be held up for (case R15)', async () => {
  const writes: number[] = []
  const noted = (file: DiskFile): DiskFile => ({
    ...file,
    write: (buffers, position) => {
      writes.push(buffers.reduce((sum, { length }) => sum + length, 0))
      return file.write(buffers, position)
    },
  })
  const directory = temporaryFolder()
  await makeFolders(nodeDisk, directory)
  const disk = { ...nodeDisk, create: async (path: string) => noted(await nodeDisk.create(path)) }
  const { events } = listening()
  const spool = await JournalSpool.open({ directory, events, now: Date.now, disk, closed: () => {} })
  const forwardPaths = Array.from({ length: 1000 }, (_, n) => `a${n}@elsewhere.example`)
  const messages = await Promise.all(
    Array.from({ length: 30 }, (_, n) => accept(spool, contentOf(n, 100), { draft: { forwardPaths } })),
  )
  const states = messages[0]?.recipients.map((r) => ({ ...r, attempts: 1 })) ?? []
  await Promise.all(messages.map(({ envelope }) => spool.record(envelope.queueId, states)))
  expect(Math.max(...writes)).toBeLessThan(2_000_000)
  const recorded = await messagesOf(spool)
  expect(recorded.map(({ recipients }) => recipients)).toEqual(messages.map(() => states))
  await spool.close()
})

describe('a DSN', () => {
  const reports = (queueId: string, forwardPaths: readonly string[]) => ({
    reversePath: '',
    forwardPaths: [draft.reversePath],
    reports: { queueId, forwardPaths },
  })

  test('closes the recipients that it reports, so that a crash right after it makes no second one (case S25)', async () => {
    const { spool, directory } = await opened()
    const original = (await accept(spool, contentOf(1, 10))).envelope
    const [one, two] = original.forwardPaths as [string, string]
    const dsn = await accept(spool, contentOf(2, 10), { draft: reports(original.queueId, [two]) })
    await spool.close()
    const { spool: again } = await opened(directory)
    const states = (await messagesOf(again)).map((m) => [m.envelope.queueId, m.recipients.map((r) => r.state)])
    expect(Object.fromEntries(states)).toEqual({
      [original.queueId]: ['pending', 'bounced'],
      [dsn.envelope.queueId]: ['pending'],
    })
    expect(one).not.toBe(two)
    await again.close()
  })

  test.each([
    ['is still there', false],
    ['was delivered already', true],
  ])('ends an original with nothing left to do, when the DSN %s (case S25)', async (_what, delivered) => {
    const { spool, directory } = await opened()
    const original = (await accept(spool, contentOf(1, smallBytes + 1))).envelope
    const dsn = await accept(spool, contentOf(2, 10), { draft: reports(original.queueId, original.forwardPaths) })
    if (delivered) await spool.remove(dsn.envelope.queueId)
    await spool.close()
    for (const _restart of [1, 2]) {
      const { spool: again } = await opened(directory)
      expect(idsOf(await messagesOf(again))).toEqual(delivered ? [] : [dsn.envelope.queueId])
      expect(files(directory)).toEqual([])
      await again.close()
    }
  })
})

test('a message without a pending recipient is ended at the next start', async () => {
  const { spool, directory } = await opened()
  const { queueId } = (await accept(spool, contentOf(1, 10))).envelope
  await spool.record(
    queueId,
    draft.forwardPaths.map((p) => ({ ...pending(p), state: 'delivered' as const })),
  )
  await spool.close()
  const { spool: again } = await opened(directory)
  expect(idsOf(await messagesOf(again))).toEqual([])
  await again.close()
})

describe('close', () => {
  test('waits for what is being written, and takes nothing after it', async () => {
    const { spool, directory } = await opened()
    const incoming = await spool.receive()
    await incoming.write(contentOf(1, 10))
    const committing = incoming.commit(draft)
    const late = await spool.receive()
    await spool.close()
    const { envelope } = await committing
    await expect(late.commit(draft)).rejects.toThrow(SpoolError)
    await expect(spool.remove(envelope.queueId)).rejects.toThrow(SpoolError)
    const { spool: again } = await opened(directory)
    expect(idsOf(await messagesOf(again))).toEqual([envelope.queueId])
    await again.close()
  })

  test('leaves no file open', async () => {
    const { spool, directory } = await opened()
    const { envelope } = await accept(spool, contentOf(1, 300_000))
    const half = spool.content(envelope.queueId)
    for await (const _chunk of half) break
    await accept(spool, contentOf(1, 10))
    await (await spool.receive()).abort()
    const large = await spool.receive()
    await large.write(contentOf(1, 300_000))
    await large.abort()
    await spool.close()
    const links = readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/self/fd/${fd}`)]
      } catch {
        return []
      }
    })
    expect(links.filter((link) => link.startsWith(directory))).toEqual([])
  })
})
