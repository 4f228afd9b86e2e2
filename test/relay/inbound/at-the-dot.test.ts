/** What happens behind the final dot while a message is made ours, which may take long, and what becomes of its count and its file. */
import { mkdirSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import type { RelayConfig } from '../../../relay/config.ts'
import { smallBytes } from '../../../relay/spool/incoming.ts'
import { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { messagesOf } from '../spool/contents.ts'
import { FailingDisk } from '../spool/failing-disk.ts'
import { listening } from '../spool/samples.ts'
import { banner, logIn, reply, start, talk } from './clients.ts'
import { app, baseConfig, startSubmission } from './submission-under-test.ts'

const envelope = ['MAIL FROM:<noreply@corp.example>', 'RCPT TO:<a@elsewhere.example>', 'DATA'] as const
const header = 'From: <noreply@corp.example>\r\n\r\n'
const large = `${'x'.repeat(76)}\r\n`.repeat(Math.ceil(smallBytes / 78) + 1)

/** A submission whose spool is on a disk that the test holds up. */
async function onDisk(config = baseConfig) {
  const directory = temporaryFolder()
  for (const folder of ['journal', 'large', 'quarantine']) mkdirSync(join(directory, folder))
  const disk = new FailingDisk()
  const { events } = listening()
  const spool = await JournalSpool.open({ directory, events, now: Date.now, disk: disk.disk, closed: () => {} })
  const under = await startSubmission(spool, config)
  onTestFinished(async () => {
    await under.submission.close(0)
    await spool.close()
  })
  return { disk, spool, under }
}

const without: RelayConfig = {
  ...baseConfig,
  credentials: baseConfig.credentials.filter(({ username }) => username !== app.username),
}

/** A large content, while the disk takes in which the configuration becomes another one; and what its client hears at the dot. */
async function changedWhileTakenIn(next: RelayConfig) {
  const { disk, spool, under } = await onDisk()
  const [, socket] = await banner(under, 'submissions')
  await logIn(socket)
  await talk(socket, ...envelope)
  const synced = Promise.withResolvers<void>()
  disk.waiting.set('sync large', synced.promise)
  const said = talk(socket, `${header}${large}.`)
  await until('the disk is asked', () => disk.calls.includes('sync large'))
  await under.apply(next)
  synced.resolve()
  return { spool, said: await said }
}

test.each<[string, RelayConfig, RegExp]>([
  ['its credential', without, /^535 5\.7\.8 /],
  ['the fleet, which is suspended,', { ...baseConfig, suspended: true }, /^421 4\.3\.2 .*\(suspended\)/],
])('a large content of which %s is taken away while the disk takes it in is refused, and leaves nothing (case A03)', async (_what, next, refused) => {
  const { spool, said } = await changedWhileTakenIn(next)
  expect(said).toEqual([expect.stringMatching(refused)])
  expect(spool.isEmpty).toBe(true)
})

test('a large content that the disk takes in while a policy begins to capture is captured', async () => {
  const { spool, said } = await changedWhileTakenIn({
    ...baseConfig,
    recipients: { ...baseConfig.recipients, mode: 'Capture' },
  })
  expect(said).toEqual([expect.stringMatching(/^250 /)])
  expect((await messagesOf(spool)).map((message) => message.envelope.disposition)).toEqual(['capture'])
})

test('an error of our own behind the final dot is answered 451 and told, and leaves nothing of the message', async () => {
  const { disk, spool, under } = await onDisk()
  const [, socket] = await banner(under, 'submissions')
  await logIn(socket)
  await talk(socket, ...envelope)
  socket.write(`${header}${large}`)
  await until('the header is judged', () => disk.calls.includes('write large'))
  await under.apply({ ...baseConfig, senderRules: undefined as never })
  expect(await talk(socket, '.')).toEqual([expect.stringMatching(/^451 4\.3\.0 /)])
  expect(under.told.filter(({ msg }) => msg === 'unexpected')).toHaveLength(1)
  expect(spool.isEmpty).toBe(true)
})

/** A message is whole and about to be decided, its client is gone, and the disk has not taken it yet. */
async function orphaned() {
  const { spool, under } = await start()
  const raw = createConnection(under.port('submissions'), '127.0.0.1')
  const socket = connectTls({ socket: raw, servername: 'localhost', ca: under.ca }).on('error', () => {})
  await reply(socket)
  await logIn(socket)
  await talk(socket, ...envelope)
  const gate = Promise.withResolvers<void>()
  spool.gate = gate.promise
  socket.write(`${header}hi\r\n.\r\n`)
  await until('the content came', () => spool.written > 0)
  raw.resetAndDestroy()
  await until('the client is gone', () => under.submission.sessions === 0)
  return { spool, under, gate }
}

test('closing: mail whose client is gone is waited for, since it may still become ours, and is counted (case S27)', async () => {
  const { spool, under, gate } = await orphaned()
  const closed = under.submission.close(10_000)
  setTimeout(gate.resolve, 100)
  await closed
  expect(spool.kept).toHaveLength(1)
  expect(under.told.filter(({ msg }) => msg === 'accepted')).toHaveLength(1)
})

test('closing: mail whose client is gone is waited for no longer than the grace time, where the disk does not take it (case S27)', async () => {
  const { spool, under, gate } = await orphaned()
  let isClosed = false
  const closing = under.submission.close(60_000).then(() => {
    isClosed = true
  })
  await under.submission.close(0)
  expect([isClosed, spool.kept]).toEqual([false, []])
  gate.resolve()
  await closing
})
