/** Submission from end to end, by nodemailer and by raw sockets: what is taken, what is refused, and what fails. */
import assert from 'node:assert/strict'
import { createConnection, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { banner, client, closers, logIn, mail, reply, start, talk, whole } from './clients.ts'
import { MemorySpool } from './memory-spool.ts'
import {
  app,
  baseConfig,
  implicitListener,
  startSubmission,
  startTlsListener,
  suspended,
} from './submission-under-test.ts'

test.each([
  ['STARTTLS', false],
  ['implicit TLS', true],
])('nodemailer submits over %s', async (_name, implicit) => {
  const { spool, under } = await start()
  const info = await client(under, { implicit }).sendMail(mail)
  expect(info.response).toBe('250 2.0.0 queued as Q1')
  expect(spool.kept[0]?.message.envelope).toMatchObject({
    queueId: 'Q1',
    credential: 'apps/app',
    reversePath: 'noreply@corp.example',
    forwardPaths: mail.to,
    disposition: 'relay',
    fromDomain: 'corp.example',
    client: { address: '127.0.0.1', tls: 'TLSv1.3' },
  })
  const content = spool.kept[0]?.content.toString() ?? ''
  expect(content).toMatch(
    /^Received: from \S+ \(\[127\.0\.0\.1\]\)\r\n\tby relay\.example\.org with ESMTPSA \(TLSv1\.3\) id Q1; /,
  )
  expect(content).toContain('hello\r\n.\r\n..two dots\r\n')
})

test('a refusal reaches the application with its rule', async () => {
  const { spool, under } = await start()
  await expect(client(under).sendMail({ ...mail, from: 'ceo@other.example' })).rejects.toThrow(
    '550 5.7.1 this credential may not send as this reverse-path (senderRules.envelopeFrom)',
  )
  expect(spool.kept).toEqual([])
})

test('TLS 1.1 is refused, and 1.2 where the listener wants 1.3 (case T06)', async () => {
  const { under } = await start()
  const handshake = (maxVersion: 'TLSv1.1' | 'TLSv1.2') =>
    new Promise<string>((resolve) => {
      const socket = connectTls({
        host: '127.0.0.1',
        port: under.port('submissions'),
        servername: 'localhost',
        ca: under.ca,
        minVersion: 'TLSv1',
        maxVersion,
        ciphers: 'DEFAULT@SECLEVEL=0',
      })
      closers.push(() => void socket.destroy())
      socket.once('secureConnect', () => resolve(socket.getProtocol() ?? ''))
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    })
  // By the relay: a client that would not even ask gets another error.
  const refused = 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'
  expect(await handshake('TLSv1.1')).toBe(refused)
  expect(await handshake('TLSv1.2')).toBe('TLSv1.2')
  await under.apply({
    ...baseConfig,
    listeners: [startTlsListener, { ...implicitListener, tls: { ...implicitListener.tls, minVersion: '1.3' } }],
  })
  expect(await handshake('TLSv1.2')).toBe(refused)
})

test('an Implicit listener speaks no SMTP in clear (case T09)', async () => {
  const { under } = await start()
  const socket = createConnection(under.port('submissions'), '127.0.0.1')
  closers.push(() => void socket.destroy())
  socket.write('EHLO x\r\n')
  const said = await whole(socket)
  // A fatal alert, unexpected_message (RFC 8446 section 6.2), and nothing else.
  expect(said.toString('hex')).toBe('1503030002020a')
})

test('connections of a client beyond connectionsPerClient are refused, and taken again when another one has ended (case R04)', async () => {
  const { under } = await start(undefined, { ...baseConfig, limits: { ...baseConfig.limits, connectionsPerClient: 2 } })
  const open = await Promise.all([banner(under), banner(under)])
  expect(open.map(([said]) => said.slice(0, 3))).toEqual(['220', '220'])
  const [refused] = await banner(under)
  expect(refused).toBe('421 4.7.0 too many connections from this address (admission.limits.connectionsPerClient)\r\n')
  open[0]?.[1].destroy()
  await expect.poll(async () => (await banner(under))[0].slice(0, 3)).toBe('220')
})

test('a client that an Implicit listener would refuse gets no handshake and holds nothing (cases R04 and R10)', async () => {
  const limited = { ...baseConfig, limits: { ...baseConfig.limits, connectionsPerClient: 2 } }
  const under = await startSubmission(new MemorySpool(), limited, undefined, 3)
  closers.push(() => under.submission.close(0))
  const connect = (): Socket => {
    const socket = createConnection(under.port('submissions'), '127.0.0.1')
    closers.push(() => void socket.destroy())
    return socket.on('error', () => {})
  }
  const rules = () => under.told.filter(({ msg }) => msg === 'refused').map(({ rule }) => rule)
  const silent = [connect(), connect()]
  await expect.poll(() => under.submission.sessions).toBe(2)
  for (let n = 0; n < 5; n += 1) expect(await whole(connect())).toHaveLength(0)
  expect(rules()).toEqual(Array.from({ length: 5 }, () => 'admission.limits.connectionsPerClient'))
  for (const socket of silent) socket.destroy()
  await expect.poll(() => under.submission.sessions).toBe(0)

  await under.apply({ ...limited, networks: { allow: [], deny: ['127.0.0.0/8'] } })
  expect(await whole(connect())).toHaveLength(0)
  expect(rules().at(-1)).toBe('admission.networks')
  expect(under.submission.sessions).toBe(0)
  // A client that was refused before its handshake must not count as one that came without TLS.
  expect(await under.metrics.registry.metrics()).not.toContain('connections_total{listener="submissions",tls="none"')
})

test('clients for which there are no file descriptors are sent away at once, and taken again when there are some (case R10)', async () => {
  const under = await startSubmission(new MemorySpool(), baseConfig, undefined, 2)
  closers.push(() => under.submission.close(0))
  const open = await Promise.all([banner(under), banner(under)])
  const [refused, away] = await banner(under)
  expect(refused).toBe('421 4.3.2 too many sessions; try again (always.unavailable)\r\n')
  expect(away.readyState).not.toBe('closed')
  // The client that was sent away has not closed its side, and counts no more all the same.
  await expect.poll(() => under.submission.sessions).toBe(2)
  open[0]?.[1].destroy()
  await expect.poll(async () => (await banner(under))[0].slice(0, 3)).toBe('220')
})

test('the replies to MAIL, RCPT and DATA that came together leave together (RFC 2920 section 3.2)', async () => {
  const { under } = await start()
  const [, socket] = await banner(under, 'submissions')
  await logIn(socket)
  socket.write('MAIL FROM:<noreply@corp.example>\r\nRCPT TO:<user@elsewhere.example>\r\nDATA\r\n')
  // Each write is a TLS record, and comes as one.
  expect((await reply(socket)).match(/^\d{3}/gm)).toEqual(['250', '250', '354'])
})

test('content that a client sends before 354 is noticed also in a TLS record of its own (case P18)', async () => {
  const { spool, under } = await start()
  const raw = createConnection(under.port('submissions'), '127.0.0.1')
  // This stands between TLS and TCP, so that both records leave in one segment.
  let held: Buffer[] | undefined
  const between = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      if (held) held.push(chunk)
      else raw.write(chunk)
      done()
    },
  })
  raw.on('data', (chunk) => between.push(chunk)).on('close', () => between.push(null))
  const socket = connectTls({ socket: between, servername: 'localhost', ca: under.ca })
  closers.push(() => void socket.on('error', () => {}).destroy())
  closers.push(() => void raw.destroy())
  await reply(socket)
  await logIn(socket)
  await talk(socket, 'MAIL FROM:<noreply@corp.example>', 'RCPT TO:<a@elsewhere.example>')
  held = []
  socket.write('DATA\r\n')
  socket.write('From: <noreply@corp.example>\r\n\r\nhi\r\n.\r\n')
  await expect.poll(() => held?.length).toBe(2)
  const answer = reply(socket)
  raw.write(Buffer.concat(held))
  expect(await answer).toBe('554 5.5.0 talking out of turn (always.synchronization)\r\n')
  expect(spool.kept).toEqual([])
})

test('content that a client sends behind a DATA that is refused gets one refusal, which is told, too (case P18)', async () => {
  const { under } = await start()
  const [, socket] = await banner(under, 'submissions')
  await logIn(socket)
  await talk(socket, 'MAIL FROM:<noreply@corp.example>', 'RCPT TO:<no mailbox>')
  socket.write('DATA\r\nRSET\r\n.\r\n')
  expect(await reply(socket)).toBe('554 5.5.0 talking out of turn (always.synchronization)\r\n')
  const refused = under.told.filter(({ msg }) => msg === 'refused')
  expect(refused.map(({ rule }) => rule)).toEqual(['always.syntax', 'always.synchronization'])
})

test('no password, nor what a client sent as one, is in the log or the metrics', async () => {
  const { under } = await start()
  await client(under).sendMail(mail)
  await expect(client(under, { pass: 'guess-0123456789' }).sendMail(mail)).rejects.toThrow('535')
  await expect(client(under, { user: suspended.username, pass: suspended.password }).sendMail(mail)).rejects.toThrow(
    '535',
  )
  const log = JSON.stringify(under.told)
  for (const secret of [app.password, suspended.password, 'guess-0123456789']) {
    expect(log).not.toContain(secret)
    expect(log).not.toContain(Buffer.from(secret).toString('base64').slice(4, -4))
  }
  expect(await under.metrics.registry.metrics()).not.toContain(app.password)
})

test('metrics: connections, logins, refusals and messages are counted once each', async () => {
  const { under } = await start()
  await client(under).sendMail(mail)
  await expect(client(under).sendMail({ ...mail, from: 'ceo@other.example' })).rejects.toThrow()
  const text = await under.metrics.registry.metrics()
  const value = (series: string): number =>
    Number(
      text
        .split('\n')
        .find((l) => l.startsWith(`relayfleet_${series}`))
        ?.split(' ')
        .at(-1),
    )
  expect(value('smtpd_connections_total{listener="submission",tls="none"')).toBe(2)
  expect(value('smtpd_auth_total{mechanism="PLAIN",result="success",reason=""')).toBe(2)
  expect(value('smtpd_messages_total{result="accepted",rule=""')).toBe(1)
  expect(value('smtpd_refusals_total{stage="mail",rule="senderRules.envelopeFrom"')).toBe(1)
})

test.each([
  ['receive', 'full', '452 4.3.1 the queue is full; try again later (queue.storage)'],
  ['receive', 'fault', '451 4.3.0 the relay could not store the message; try again (always.unavailable)'],
  ['write', 'full', '452 4.3.1'],
  ['write', 'fault', '451 4.3.0'],
  ['commit', 'full', '452 4.3.1'],
  ['commit', 'fault', '451 4.3.0'],
] as const)('a spool that fails at %s (%s) answers %s, and the session goes on', async (at, kind, reply) => {
  const { spool, under } = await start()
  const pooled = client(under, { pool: true })
  spool.failing = { at, kind }
  await expect(pooled.sendMail(mail)).rejects.toThrow(reply)
  spool.failing = undefined
  await pooled.sendMail(mail)
  expect(spool.kept).toHaveLength(1)
})

test('an error of our own is answered 451 and told, wherever it comes from', async () => {
  const { spool, under } = await start()
  const unexpected = () => under.told.filter((line) => line.msg === 'unexpected').length
  const [, socket] = await banner(under, 'submissions')
  await logIn(socket)
  const claimed = Object.getOwnPropertyDescriptor(spool, 'claimed')
  Object.defineProperty(spool, 'claimed', { configurable: true, get: () => assert.fail('broken') })
  expect(await talk(socket, 'MAIL FROM:<noreply@corp.example>')).toEqual([expect.stringMatching(/^451 4\.3\.0 /)])
  Object.defineProperty(spool, 'claimed', claimed ?? {})
  expect(unexpected()).toBe(1)
  await talk(socket, 'MAIL FROM:<noreply@corp.example>', 'RCPT TO:<a@elsewhere.example>', 'DATA')
  await under.apply({ ...baseConfig, senderRules: undefined as never })
  const [end] = await talk(socket, 'From: <noreply@corp.example>\r\n\r\nhi\r\n.')
  expect(end).toMatch(/^451 4\.3\.0 /)
  expect(unexpected()).toBe(2)
  expect(spool.aborted).toBe(1)
  await under.apply(baseConfig)
  await talk(socket, 'MAIL FROM:<noreply@corp.example>', 'RCPT TO:<a@elsewhere.example>')
  spool.receive = () => assert.fail('broken')
  expect(await talk(socket, 'DATA')).toEqual([expect.stringMatching(/^451 4\.3\.0 /)])
  expect(unexpected()).toBe(3)
})

test('while the spool can not take mail, MAIL is answered 451', async () => {
  const { spool, under } = await start()
  spool.fault = 'disk is read-only'
  await expect(client(under).sendMail(mail)).rejects.toThrow('451 4.3.0')
})

test('while the spool has no room, MAIL is answered 452 in the words of a full queue (case S14)', async () => {
  const { spool, under } = await start()
  spool.fault = 'disk full: 1 octets are free'
  spool.isFull = true
  await expect(client(under).sendMail(mail)).rejects.toThrow('452 4.3.1 the queue is full')
})

test('the queue is full when the room that our messages claim is all of it, whatever room their contents take', async () => {
  const { spool, under } = await start()
  spool.claimed = baseConfig.queue.maxBytes
  await expect(client(under).sendMail(mail)).rejects.toThrow('452 4.3.1 the queue is full')
})

test('no message is answered 250 before its commit, however long that takes (case S20)', async () => {
  const { spool, under } = await start(undefined, {
    ...baseConfig,
    limits: { ...baseConfig.limits, transactionMs: 300 },
  })
  const gate = Promise.withResolvers<void>()
  spool.gate = gate.promise
  let answered = false
  const sending = client(under)
    .sendMail(mail)
    .finally(() => {
      answered = true
    })
  await expect.poll(() => spool.written).toBeGreaterThan(0)
  // Another transaction, opened later, runs out of time; this one does not, since its content is complete.
  const [, later] = await banner(under, 'submissions')
  await logIn(later)
  await talk(later, 'MAIL FROM:<noreply@corp.example>')
  expect((await whole(later)).toString()).toContain('421 4.4.2')
  expect(answered).toBe(false)
  gate.resolve()
  expect((await sending).response).toBe('250 2.0.0 queued as Q1')
})

test('of a client that was told that its transaction took too long no mail is kept, also where its final dot had come (case S20)', async () => {
  const { spool, under } = await start(undefined, {
    ...baseConfig,
    limits: { ...baseConfig.limits, transactionMs: 300 },
  })
  const gate = Promise.withResolvers<void>()
  spool.writeGate = gate.promise
  const raw = createConnection({ host: '127.0.0.1', port: under.port('submissions'), allowHalfOpen: true })
  const socket = connectTls({ socket: raw, servername: 'localhost', ca: under.ca })
  closers.push(() => void socket.destroy())
  await reply(socket)
  await logIn(socket)
  await talk(socket, 'MAIL FROM:<noreply@corp.example>', 'RCPT TO:<a@elsewhere.example>', 'DATA')
  const line = `${'x'.repeat(78)}\r\n`
  // The octets that bring the final dot are those that make a write due, and the disk stands still.
  socket.write(`From: <noreply@corp.example>\r\n\r\n${line.repeat(810)}`)
  socket.write(`${line.repeat(10)}.\r\n`)
  expect(await reply(socket)).toContain('421 4.4.2')
  gate.resolve()
  socket.end()
  await expect.poll(() => spool.aborted).toBe(1)
  await under.submission.close(0)
  expect(spool.kept).toEqual([])
  expect(under.told.filter(({ msg }) => msg === 'accepted')).toEqual([])
})

test('a content beyond the size limit is read to its end, and kept up to the limit only (case R07)', async () => {
  const { spool, under } = await start()
  await expect(client(under).sendMail({ ...mail, text: `${'x'.repeat(76)}\n`.repeat(60_000) })).rejects.toThrow(
    '552 5.3.4 message too large (admission.limits.messageSize)',
  )
  expect(spool.written).toBeLessThanOrEqual(baseConfig.limits.messageBytes + 65_536)
  expect(spool.written).toBeGreaterThan(900_000)
  expect(spool.aborted).toBe(1)
})

test('a connection that is reset in the middle of the content leaves nothing (case P36)', async () => {
  const { spool, under } = await start()
  const raw = createConnection(under.port('submissions'), '127.0.0.1')
  const socket = connectTls({ socket: raw, servername: 'localhost', ca: under.ca })
  closers.push(() => void socket.on('error', () => {}).destroy())
  await reply(socket)
  await logIn(socket)
  await talk(socket, 'MAIL FROM:<noreply@corp.example>', 'RCPT TO:<a@elsewhere.example>', 'DATA')
  socket.write('From: <noreply@corp.example>\r\n\r\nhi\r\n')
  raw.resetAndDestroy()
  await expect.poll(() => spool.aborted).toBe(1)
  expect(spool.kept).toEqual([])
  await expect.poll(() => under.submission.sessions).toBe(0)
})

test('any content in any segments comes out as it went in (case P11)', async () => {
  const { spool, under } = await start(undefined, {
    ...baseConfig,
    limits: { ...baseConfig.limits, messagesPerConnection: 1e6 },
  })
  const [, socket] = await banner(under, 'submissions')
  socket.setNoDelay(true)
  await logIn(socket)
  const header =
    'From: <noreply@corp.example>\r\nDate: Mon, 05 Jan 2026 10:00:00 +0000\r\nMessage-ID: <a@corp.example>\r\n\r\n'
  const line = fc.string({ unit: fc.constantFrom('.', 'a'), maxLength: 3 }).map((text) => `${text}\r\n`)
  const body = fc.array(line, { maxLength: 6 }).map((lines) => lines.join(''))
  await fc.assert(
    fc.asyncProperty(
      body,
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 110, maxLength: 110 }),
      async (text, cuts) => {
        await talk(socket, 'MAIL FROM:<noreply@corp.example>', 'RCPT TO:<a@elsewhere.example>', 'DATA')
        let wire = `${header}${text.replace(/^\./gm, '..')}.\r\n`
        for (const cut of cuts) {
          if (wire !== '') socket.write(wire.slice(0, cut))
          wire = wire.slice(cut)
        }
        socket.write(wire)
        expect(await reply(socket)).toMatch(/^250 2\.0\.0 queued as /)
        expect(spool.kept.at(-1)?.content.toString()).toMatch(/^Received: /)
        expect(
          spool.kept
            .at(-1)
            ?.content.toString()
            .replace(/^Received: .*\r\n(?:\t.*\r\n)*/, ''),
        ).toBe(header + text)
      },
    ),
    { numRuns: 1000 },
  )
  expect(await talk(socket, 'NOOP')).toEqual(['250 2.0.0 OK\r\n'])
})
