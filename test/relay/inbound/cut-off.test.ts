/** What a client is told that is cut off when the relay ends and the grace time is over. */
import { expect, test } from 'vitest'
import { until } from '../../local/until.ts'
import { banner, logIn, start, talk, whole } from './clients.ts'

const inTransaction = ['MAIL FROM:<noreply@corp.example>', 'RCPT TO:<a@elsewhere.example>', 'DATA'] as const
const header = 'From: noreply@corp.example\r\n\r\n'

test('closing: a transaction that is not over in the grace time ends by 421, and is not told as left by its client (case S27)', async () => {
  const { under } = await start()
  const [, between] = await banner(under, 'submissions')
  await logIn(between)
  await talk(between, 'MAIL FROM:<noreply@corp.example>')
  const [, sending] = await banner(under, 'submissions')
  await logIn(sending)
  await talk(sending, ...inTransaction)
  sending.write(`${header}a content that does not end\r\n`)
  const said = Promise.all([between, sending].map(async (socket) => (await whole(socket)).toString()))
  await under.submission.close(100)
  const last = '421 4.3.2 the relay is shutting down; try again (always.shutdown)\r\n'
  expect(await said).toEqual([last, last])
  const lines = under.told.filter(({ msg }) => msg === 'refused' || msg === 'abandoned by the client')
  expect(lines.map(({ msg, rule }) => [msg, rule])).toEqual(Array(2).fill(['refused', 'always.shutdown']))
})

test('closing: a client whose mail the disk takes in beyond the grace time is not told that the relay did not take it (case S27)', async () => {
  const { spool, under } = await start()
  const [, socket] = await banner(under, 'submissions')
  await logIn(socket)
  await talk(socket, ...inTransaction)
  const gate = Promise.withResolvers<void>()
  spool.gate = gate.promise
  const said = whole(socket)
  socket.write(`${header}hi\r\n.\r\n`)
  await until('the content came', () => spool.written > 0)
  const closed = under.submission.close(100)
  expect((await said).toString()).toBe('')
  gate.resolve()
  await closed
  await until('the mail is ours', () => spool.kept.length === 1)
})
