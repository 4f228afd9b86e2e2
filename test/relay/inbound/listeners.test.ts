/** Listeners from their opening to their end: certificates, ports, deadlines of a connection, and closing in order. */
import { X509Certificate } from 'node:crypto'
import diagnostics from 'node:diagnostics_channel'
import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer } from 'node:net'
import { expect, test, vi } from 'vitest'
import { makeCertificates } from '../../certificates.ts'
import { certify, dns, makeAuthority } from '../../client-certificates.ts'
import { banner, client, closers, logIn, mail, start, talk, whole } from './clients.ts'
import { baseConfig, implicitListener, load, startTlsListener } from './submission-under-test.ts'

test('certificates are renewed in place; open sessions go on (case T11)', async () => {
  const { under, spool } = await start()
  const pooled = client(under, { pool: true })
  await pooled.sendMail(mail)
  const notAfter = new Date('2042-01-02T03:04:05.000Z')
  const fresh = await makeCertificates(['localhost'], { notAfter })
  const loaded = await load(baseConfig)
  await under.submission.reconcile({
    ...loaded,
    files: new Map([
      ['tls.crt', fresh.cert],
      ['tls.key', fresh.key],
    ]),
  })
  await pooled.sendMail(mail)
  expect(spool.kept).toHaveLength(2)
  await expect(client(under).sendMail(mail)).rejects.toThrow(/certificate/)
  const renewed = client({ ...under, ca: fresh.ca })
  await renewed.sendMail(mail)
  expect(spool.kept).toHaveLength(3)
  const its = {
    notBefore: new X509Certificate(fresh.cert).validFromDate.toISOString(),
    notAfter: notAfter.toISOString(),
  }
  expect(under.submission.certificates()).toEqual([
    { listener: 'submission', ...its },
    { listener: 'submissions', ...its },
  ])
})

test('a certificate that can not be used is told with its listener, and the last good one stays in use (cases T10 and T12)', async () => {
  const { under } = await start()
  const loaded = await load(baseConfig)
  const foreign = await makeCertificates(['localhost'], { notAfter: new Date('2042-01-02T03:04:05.000Z') })
  const before = under.submission.certificates()
  for (const files of [
    new Map(loaded.files).set('tls.key', foreign.key),
    new Map(loaded.files).set('tls.crt', 'garbage'),
    new Map(loaded.files).set('tls.crt', '').set('tls.key', ''),
    new Map<string, string>(),
  ]) {
    await expect(under.submission.reconcile({ ...loaded, files })).rejects.toThrow('listener submission on 127.0.0.1')
  }
  expect(under.submission.certificates()).toEqual(before)
  await client(under).sendMail(mail)
})

test.each([
  ['has ended', { notAfter: new Date('2026-01-02T03:04:05.000Z') }],
  ['is not valid yet', { notBefore: new Date('2042-01-01T00:00:00Z'), notAfter: new Date('2042-01-02T03:04:05.000Z') }],
])('a certificate that %s is told with its begin and end, and open sessions live on (case T13)', async (_name, validity) => {
  const { spool, under } = await start()
  const pooled = client(under, { pool: true })
  await pooled.sendMail(mail)
  const loaded = await load(baseConfig)
  const { cert, key } = await makeCertificates(['localhost'], {
    notBefore: new Date('2025-01-01T00:00:00Z'),
    ...validity,
  })
  await under.submission.reconcile({
    ...loaded,
    files: new Map([...loaded.files, ['tls.crt', cert], ['tls.key', key]]),
  })
  expect(under.submission.certificates()[0]).toEqual({
    listener: 'submission',
    notBefore: ('notBefore' in validity ? validity.notBefore : new Date('2025-01-01T00:00:00Z')).toISOString(),
    notAfter: validity.notAfter.toISOString(),
  })
  expect(await under.metrics.registry.metrics()).toMatch(
    new RegExp(
      `certificate_expiry_timestamp_seconds\\{listener="submission".*\\} ${validity.notAfter.getTime() / 1000}`,
    ),
  )
  await pooled.sendMail(mail)
  expect(spool.kept).toHaveLength(2)
})

test('a certificate is told to end when the issuer that is shown along with it does (case T13)', async () => {
  const { under } = await start()
  const loaded = await load(baseConfig)
  const issuer = await makeAuthority('Intermediate', await makeAuthority('Root'), undefined, -1)
  const { cert, key } = await certify(issuer, [dns('localhost')])
  const files = new Map([...loaded.files, ['tls.crt', `${cert}\n${issuer.pem}`], ['tls.key', key]])
  await under.submission.reconcile({ ...loaded, files })
  const { notAfter } = issuer.certificate
  expect(under.submission.certificates()[0]?.notAfter).toBe(notAfter.toISOString())
})

test('the metric of the end of a certificate has listeners that are open, and no other (case T13)', async () => {
  const { under } = await start()
  const told = async () =>
    [...(await under.metrics.registry.metrics()).matchAll(/certificate_expiry\w+\{listener="(\w+)"/g)].map(([, l]) => l)
  expect(await told()).toEqual(['submission', 'submissions'])
  await under.apply({ ...baseConfig, listeners: [{ ...implicitListener, address: '127.0.0.2' }] })
  expect(await told()).toEqual(['submissions'])
  await under.apply({ ...baseConfig, listeners: [startTlsListener] })
  expect(await told()).toEqual(['submission'])
})

test('a listener that can not bind is told by its name, and the others are up', async () => {
  const { under } = await start()
  const taken = under.port('submission')
  const listeners = [
    startTlsListener,
    { ...implicitListener, name: 'third', port: taken },
    { ...startTlsListener, name: 'fourth' },
  ]
  await expect(under.apply({ ...baseConfig, listeners })).rejects.toThrow(
    new RegExp(`listener third on 127\\.0\\.0\\.1 port ${taken}: .*EADDRINUSE`),
  )
  expect(under.submission.addresses().map((a) => a.name)).toEqual(['submission', 'fourth'])
})

test('the index of a configuration is made once, however often a listener that can not bind is tried (case R19)', async () => {
  const { under } = await start()
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  const loaded = await load({
    ...baseConfig,
    listeners: [startTlsListener, { ...implicitListener, name: 'third', port }],
  })
  const credentials = vi.fn(() => baseConfig.credentials)
  const counting = {
    ...loaded,
    config: Object.defineProperty({ ...loaded.config }, 'credentials', { get: credentials }),
  }
  await expect(under.submission.reconcile(counting)).rejects.toThrow('EADDRINUSE')
  const reads = credentials.mock.calls.length
  await expect(under.submission.reconcile(counting)).rejects.toThrow('EADDRINUSE')
  expect(credentials).toHaveBeenCalledTimes(reads)
  taken.close()
  await once(taken, 'close')
  await under.submission.reconcile(counting)
  expect(under.submission.addresses().map((a) => a.name)).toEqual(['submission', 'third'])
})

test('a listener that is removed lets its sessions go on, and its port is free at once', async () => {
  const { under, spool } = await start()
  const pooled = client(under, { pool: true })
  await pooled.sendMail(mail)
  const port = under.port('submission')
  await under.apply({ ...baseConfig, listeners: [{ ...startTlsListener, name: 'renamed', port }] })
  expect(under.submission.addresses()).toEqual([{ name: 'renamed', address: '127.0.0.1', port }])
  expect(under.told.filter(({ msg }) => /listening/.test(msg)).slice(2)).toEqual([
    expect.objectContaining({ msg: 'stopped listening', listener: 'submission' }),
    expect.objectContaining({ msg: 'stopped listening', listener: 'submissions' }),
    expect.objectContaining({ msg: 'listening', listener: 'renamed', address: '127.0.0.1', port }),
  ])
  await pooled.sendMail(mail)
  expect(spool.kept).toHaveLength(2)
})

test('closing: idle sessions get 421, a transaction in flight finishes (case S27)', async () => {
  const { spool, under } = await start()
  const [, idle] = await banner(under)
  const gate = Promise.withResolvers<void>()
  spool.gate = gate.promise
  const sending = client(under).sendMail(mail)
  await expect.poll(() => spool.written).toBeGreaterThan(0)
  const closing = under.submission.close(5_000)
  expect((await whole(idle)).toString()).toBe('421 4.3.2 the relay is shutting down; try again (always.shutdown)\r\n')
  gate.resolve()
  expect((await sending).response).toBe('250 2.0.0 queued as Q1')
  await closing
  expect(under.submission.sessions).toBe(0)
  expect(under.submission.addresses()).toEqual([])
})

test('closing: each session that gets 421 has a log line and a count by that rule, and no other session has (case S27)', async () => {
  const { under } = await start()
  const [, idle] = await banner(under)
  const [, inHandshake] = await banner(under)
  await talk(inHandshake, 'STARTTLS')
  const [, gone] = await banner(under)
  await talk(gone, 'QUIT')
  const [, sending] = await banner(under, 'submissions')
  await logIn(sending)
  await talk(sending, 'MAIL FROM:<noreply@corp.example>')
  const closing = under.submission.close(5_000)
  expect((await whole(idle)).toString()).toMatch(/^421 .*\(always\.shutdown\)\r\n$/)
  // What the client sends behind RSET in one go is not carried out, either.
  sending.write('RSET\r\nMAIL FROM:<noreply@corp.example>\r\nQUIT\r\n')
  expect((await whole(sending)).toString()).toMatch(/^250 [^\r\n]*\r\n421 [^\r\n]*\(always\.shutdown\)\r\n$/)
  await closing
  const lines = under.told.filter(({ msg }) => msg === 'refused' || msg === 'abandoned by the client')
  expect(lines).toMatchObject([
    { msg: 'refused', stage: 'connect', rule: 'always.shutdown', code: 421, tls: '' },
    { msg: 'refused', stage: 'connect', rule: 'always.shutdown', code: 421, credential: 'apps/app' },
  ])
  expect(await under.metrics.registry.metrics()).toMatch(/refusals_total\{[^}]*rule="always\.shutdown"[^}]*\} 2\n/)
})

test('closing: a transaction between two of its commands may finish, too', async () => {
  const { spool, under } = await start()
  const [, socket] = await banner(under, 'submissions')
  await logIn(socket)
  await talk(socket, 'MAIL FROM:<noreply@corp.example>')
  const closing = under.submission.close(5_000)
  const replies = await talk(
    socket,
    'RCPT TO:<a@elsewhere.example>',
    'DATA',
    // The MAIL of the next message comes behind this one already: it gets no transaction any more.
    'From: <noreply@corp.example>\r\n\r\nhi\r\n.\r\nMAIL FROM:<noreply@corp.example>',
  )
  const last = replies.pop() + (await whole(socket)).toString()
  expect(replies.map((r) => r.slice(0, 3))).toEqual(['250', '354'])
  expect(last).toMatch(/^250 2\.0\.0 queued as Q1\r\n421 4\.3\.2 [^\r\n]*\r\n$/)
  await closing
  expect(spool.kept).toHaveLength(1)
})

test('a client that said QUIT within a transaction, and keeps its side open, is not refused for a transaction that takes too long', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  closers.push(() => void vi.useRealTimers())
  const { under } = await start(undefined, {
    ...baseConfig,
    limits: { ...baseConfig.limits, transactionMs: 3_000 },
  })
  const [, socket] = await banner(under, 'submissions')
  socket.allowHalfOpen = true
  await logIn(socket)
  const replies = await talk(socket, 'MAIL FROM:<noreply@corp.example>', 'QUIT')
  expect(replies.map((r) => r.slice(0, 3))).toEqual(['250', '221'])
  vi.advanceTimersByTime(3_000)
  expect(under.submission.sessions).toBe(1)
  expect(under.told.map(({ msg }) => msg)).not.toContain('refused')
})

test('closing: after the grace time no session is waited for any longer', async () => {
  const { under } = await start()
  const [, socket] = await banner(under, 'submissions')
  await logIn(socket)
  await talk(socket, 'MAIL FROM:<noreply@corp.example>')
  await under.submission.close(100)
  expect(under.submission.sessions).toBe(0)
})

test('closing: a client that is just connecting is sent away, and does not hold the end up (case S27)', async () => {
  const { under } = await start()
  const closing = Promise.withResolvers<void>()
  // This is called between the system's accept and our first look at the client.
  const taken = (): void => {
    diagnostics.unsubscribe('net.server.socket', taken)
    closing.resolve(under.submission.close(60_000))
  }
  diagnostics.subscribe('net.server.socket', taken)
  const [[said]] = await Promise.all([banner(under), closing.promise])
  expect(said).toMatch(/^421 4\.3\.2 /)
  await expect.poll(() => under.submission.sessions).toBe(0)
})

test('closing: a handshake that is not over does not hold the end up', async () => {
  const { under } = await start()
  const raw = createConnection(under.port('submissions'), '127.0.0.1')
  closers.push(() => void raw.on('error', () => {}).destroy())
  await expect.poll(() => under.submission.sessions).toBe(1)
  const [, upgrading] = await banner(under)
  await talk(upgrading, 'STARTTLS')
  await under.submission.close(60_000)
  expect(under.submission.sessions).toBe(0)
})

test('silence or garbage instead of a handshake ends the connection (case T05)', async () => {
  const { under } = await start()
  const [, garbage] = await banner(under)
  await talk(garbage, 'STARTTLS')
  garbage.write('EHLO app.example\r\n'.repeat(10))
  expect((await whole(garbage)).toString('latin1')).not.toMatch(/\d{3}[ -]/)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  closers.push(() => void vi.useRealTimers())
  const [, silent] = await banner(under)
  await talk(silent, 'STARTTLS')
  const left = whole(silent)
  vi.advanceTimersByTime(29_000)
  expect(under.submission.sessions).toBe(1)
  vi.advanceTimersByTime(1_000)
  await left
  vi.useRealTimers()
  await expect.poll(() => under.submission.sessions).toBe(0)
})

const proxied = 'a PROXY protocol header came where TLS was to begin: switch it off at the load balancer'

test.each([
  ['SMTP in clear', 'EHLO app.example\r\n', 'the client spoke in clear where its TLS was to begin'],
  ['HTTP', 'GET / HTTP/1.1\r\n\r\n', 'the client spoke in clear where its TLS was to begin'],
  ['a PROXY header of version 1', 'PROXY UNKNOWN\r\n', proxied],
  ['a PROXY header of version 2', '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c', proxied],
  ['an alert of TLS', '\x15\x03\x01\x00\x02\x02\x30', 'unexpected message'],
])('what came instead of a handshake is told without the source lines of OpenSSL: %s (case T05)', async (_name, octets, why) => {
  const { under } = await start()
  const socket = createConnection(under.port('submissions'), '127.0.0.1')
  closers.push(() => void socket.destroy())
  socket.end(Buffer.from(octets, 'latin1'))
  await expect
    .poll(() => under.told.filter((line) => line.msg === 'abandoned by the client').map((line) => line['why']))
    .toEqual([`no TLS: ${why}`])
})

test('a client that is given up since no handshake came in time is told as that, and not as a lost connection (case T05)', async () => {
  const { under } = await start()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  closers.push(() => void vi.useRealTimers())
  const silent = createConnection(under.port('submissions'), '127.0.0.1')
  closers.push(() => void silent.destroy())
  const left = whole(silent)
  while (vi.getTimerCount() === 0) await new Promise((resolve) => setImmediate(resolve))
  vi.advanceTimersByTime(30_000)
  await left
  vi.useRealTimers()
  await expect
    .poll(() => under.told.filter((line) => line.msg === 'abandoned by the client').map((line) => line['why']))
    .toEqual([
      'no TLS: no handshake in time: on an Implicit listener, a client that is set up for STARTTLS waits for our greeting',
    ])
})

test('a client that leaves an Implicit listener without having sent an octet, as probes do, is not told, as on a listener that greets it (case P36)', async () => {
  const { under } = await start()
  const left = () => under.told.filter(({ msg }) => msg === 'abandoned by the client').map((line) => line['why'])
  for (const listener of ['submission', 'submissions']) {
    const probe = createConnection(under.port(listener), '127.0.0.1')
    closers.push(() => void probe.destroy())
    await expect.poll(() => under.submission.sessions).toBe(1)
    probe.end()
    await expect.poll(() => under.submission.sessions).toBe(0)
    expect(left()).toEqual([])
  }
  // A client that said STARTTLS has begun something, and is told.
  const [, begun] = await banner(under)
  await talk(begun, 'STARTTLS')
  begun.end()
  await expect.poll(left).toEqual(['no TLS: connection lost'])
})

test('a handshake that was in time has no deadline left', async () => {
  const { under } = await start()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  closers.push(() => void vi.useRealTimers())
  const [, socket] = await banner(under, 'submissions')
  expect(vi.getTimerCount()).toBe(0)
  vi.advanceTimersByTime(31_000)
  expect(await talk(socket, 'NOOP')).toEqual(['250 2.0.0 OK\r\n'])
})

test('a command that trickles in has a minute (case R01)', async () => {
  const { under } = await start()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  closers.push(() => void vi.useRealTimers())
  const [, socket] = await banner(under)
  const said = whole(socket)
  const before = vi.getTimerCount()
  socket.write('NOO')
  while (vi.getTimerCount() === before) await new Promise((resolve) => setImmediate(resolve))
  vi.advanceTimersByTime(60_000)
  expect((await said).toString()).toBe('421 4.4.2 nothing came for too long (always.idle)\r\n')
})

test('a listener that can not move to its new port stays at the old one, and moves when it can', async () => {
  const { under } = await start()
  const blocker = createServer().listen(0, '127.0.0.1')
  await once(blocker, 'listening')
  closers.push(() => void blocker.close())
  const { port } = blocker.address() as AddressInfo
  const moved = { ...baseConfig, listeners: [{ ...startTlsListener, port }, implicitListener] }
  const before = under.port('submission')
  await expect(under.apply(moved)).rejects.toThrow(`listener submission on 127.0.0.1 port ${port}`)
  expect(under.port('submission')).toBe(before)
  await client(under).sendMail(mail)
  blocker.close()
  await once(blocker, 'close')
  await under.apply(moved)
  expect(under.submission.addresses().filter((a) => a.name === 'submission')).toMatchObject([{ port }])
})

test('a listener whose TLS mode changes takes over its own port', async () => {
  const { under } = await start()
  const port = under.port('submission')
  await under.apply({
    ...baseConfig,
    listeners: [{ ...startTlsListener, port, tls: { ...startTlsListener.tls, mode: 'Implicit' } }, implicitListener],
  })
  expect(under.port('submission')).toBe(port)
})
