/** A message that was answered 250 is on disk, whole, for a process that opens the spool afterwards. */
import { buffer } from 'node:stream/consumers'
import { createTransport } from 'nodemailer'
import { afterEach, expect, test } from 'vitest'
import { openSpool } from '../../../relay/spool/file-spool.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { messagesOf } from '../spool/contents.ts'
import { app, baseConfig, startSubmission, tellingEvents } from './submission-under-test.ts'

const closers: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

const openIn = (directory: string) => openSpool({ directory, events: tellingEvents().events })

test.each([
  ['small', 2_000],
  ['large', 900_000],
])('a %s message of nodemailer is on disk when it is answered', async (_name, octets) => {
  const directory = temporaryFolder()
  const spool = await openIn(directory)
  const under = await startSubmission(spool, baseConfig)
  const text = `${'x'.repeat(70)}\n`.repeat(Math.ceil(octets / 71))
  const transport = createTransport({
    host: '127.0.0.1',
    port: under.port(),
    requireTLS: true,
    tls: { ca: under.ca, servername: 'localhost' },
    auth: { user: app.username, pass: app.password },
  })
  const { response } = await transport.sendMail({
    from: 'noreply@corp.example',
    to: 'user@elsewhere.example',
    subject: 'kept',
    text,
    textEncoding: 'quoted-printable',
  })
  const queueId = /^250 2\.0\.0 queued as (\S+)$/.exec(response)?.[1] ?? ''
  await under.submission.close(1_000)
  await spool.close()

  const reopened = await openIn(directory)
  closers.push(() => reopened.close())
  const [message, ...others] = await messagesOf(reopened)
  expect(others).toEqual([])
  expect(message?.envelope).toMatchObject({ queueId, reversePath: 'noreply@corp.example', credential: 'apps/app' })
  const content = await buffer(reopened.content(queueId))
  expect(content.length).toBe(message?.envelope.bytes)
  expect(content.toString()).toMatch(
    new RegExp(`^Received: [^;]* id ${queueId}\\r\\n\\tfor <user@elsewhere.example>; `),
  )
  expect(content.toString()).toContain(text.replaceAll('\n', '\r\n').trimEnd())
})

test('a message that was refused leaves nothing in the spool', async () => {
  const directory = temporaryFolder()
  const spool = await openIn(directory)
  closers.push(() => spool.close())
  const under = await startSubmission(spool, baseConfig)
  closers.push(() => under.submission.close(0))
  const transport = createTransport({
    host: '127.0.0.1',
    port: under.port(),
    requireTLS: true,
    tls: { ca: under.ca, servername: 'localhost' },
    auth: { user: app.username, pass: app.password },
  })
  const send = (text: string) =>
    transport.sendMail({ from: 'noreply@corp.example', to: 'user@elsewhere.example', subject: 'x', text })
  await expect(send(`${'x'.repeat(70)}\n`.repeat(20_000))).rejects.toThrow('552 5.3.4')
  expect(await messagesOf(spool)).toEqual([])
  expect(spool.bytes).toBe(0)
})
