/** A DSN is put into the spool once, and is captured where its original is. */
import { expect, test } from 'vitest'
import { queueDsn, type Reported } from '../../../relay/delivery/report.ts'
import { policy } from '../policy.ts'
import { MemorySpool } from './memory-spool.ts'
import { envelope, hello } from './samples.ts'

const reply = { code: 550, status: '5.1.1', text: 'unknown' }
const failure: Reported = {
  recipient: 0,
  forwardPath: 'user@example.net',
  attempts: 1,
  ambiguous: 0,
  givenUp: { because: 'refused', reply, last: reply },
  at: 0,
}

function reporter() {
  const spool = new MemorySpool()
  const coming: string[] = []
  const own = () => policy()
  return { spool, coming, reporter: { spool, own, wall: Date.now, onComing: (id: string) => void coming.push(id) } }
}

test('a DSN that reports the same is queued once', async () => {
  const { spool, coming, reporter: by } = reporter()
  const original = envelope(hello)
  spool.put(original, hello)
  const first = await queueDsn(by, original, [failure])
  expect(coming).toEqual([first?.envelope.queueId])
  expect(await queueDsn(by, original, [failure])).toBeUndefined()
  expect(spool.stored.size).toBe(2)
})

test('a DSN that reports another recipient of the same message is another one', async () => {
  const { spool, reporter: by } = reporter()
  const original = envelope(hello)
  spool.put(original, hello)
  const later = { ...failure, recipient: 1, forwardPath: 'other@example.net' }
  const dsns = [await queueDsn(by, original, [failure]), await queueDsn(by, original, [later])]
  expect(dsns.map((dsn) => dsn?.envelope.reports?.forwardPaths)).toEqual([['user@example.net'], ['other@example.net']])
  expect(spool.stored.size).toBe(3)
})

test.each(['relay', 'capture'] as const)('a DSN has the disposition of its original: %s', async (disposition) => {
  const { spool, reporter: by } = reporter()
  const original = envelope(hello, { disposition })
  spool.put(original, hello)
  expect((await queueDsn(by, original, [failure]))?.envelope.disposition).toBe(disposition)
})

test('a DSN is made also where the content of its original is gone', async () => {
  const { reporter: by } = reporter()
  expect((await queueDsn(by, envelope(hello), [failure]))?.envelope.reversePath).toBe('')
})

test.each([
  ['its lines', 'Subject: quarterly figures\r\n'],
  ['as much of it as a relay takes', `${'X: '.padEnd(990, 'x')}\r\n`.repeat(100)],
])('a DSN returns the whole header of its original, %s, and nothing of what stands below it', async (_what, header) => {
  const { spool, reporter: by } = reporter()
  const original = envelope(hello)
  spool.put(original, Buffer.from(`${header}X-Last: the end\r\n\r\nthe secret text\r\n`))
  const dsn = await queueDsn(by, original, [failure])
  const text = String(spool.stored.get(dsn?.envelope.queueId ?? '')?.content)
  expect(text).toContain(`\r\n\r\n${header}X-Last: the end\r\n\r\n--`)
  expect(text).not.toContain('secret')
})
