/** What a reload changes at listeners counts for the clients that come in that very moment, and where a part of it is not possible. */
import diagnostics from 'node:diagnostics_channel'
import { connect as connectTls } from 'node:tls'
import { expect, test } from 'vitest'
import type { ListenerConfig } from '../../../relay/config.ts'
import { makeCertificates } from '../../certificates.ts'
import { clientCertificates } from '../../client-certificates.ts'
import { banner, client, closers, logIn, mail, reply, start, talk, whole } from './clients.ts'
import { MemorySpool } from './memory-spool.ts'
import {
  baseConfig,
  certificateConfig,
  implicitListener,
  load,
  startTlsListener,
  type UnderTest,
} from './submission-under-test.ts'

test('a listener that can not move to its new port shows the certificate of today at the old one (case T11)', async () => {
  const { under } = await start()
  const before = under.port('submission')
  const loaded = await load({
    ...baseConfig,
    listeners: [{ ...startTlsListener, port: under.port('submissions') }, implicitListener],
  })
  await expect(under.submission.reconcile(loaded)).rejects.toThrow('EADDRINUSE')
  const notAfter = '2042-01-02T03:04:05.000Z'
  const fresh = await makeCertificates(['localhost'], { notAfter: new Date(notAfter) })
  const files = new Map([...loaded.files, ['tls.crt', fresh.cert], ['tls.key', fresh.key]])
  await expect(under.submission.reconcile({ ...loaded, files })).rejects.toThrow('EADDRINUSE')
  expect(under.port('submission')).toBe(before)
  expect(under.submission.certificates().map((its) => its.notAfter)).toEqual([notAfter, notAfter])
  await client({ ...under, ca: fresh.ca }).sendMail(mail)
})

const required = certificateConfig('Required')
/** Without the StartTLS listener, which required certificates. */
const gone = { ...required, listeners: required.listeners.filter(({ tls }) => tls.mode === 'Implicit') }

test('a client that has connected to a listener which a reload takes away before it is greeted needs the certificate that it needed (case A20)', async () => {
  const { under } = await start(new MemorySpool(), required)
  const loaded = await load(gone)
  let reloaded: Promise<void> | undefined
  // Told in the turn in which the connection is taken.
  const taken = (): void => {
    reloaded ??= under.submission.reconcile(loaded)
  }
  diagnostics.subscribe('net.server.socket', taken)
  closers.push(() => void diagnostics.unsubscribe('net.server.socket', taken))
  const [, plain] = await banner(under)
  await reloaded
  await talk(plain, 'EHLO x', 'STARTTLS')
  const socket = connectTls({ socket: plain, servername: 'localhost', ca: under.ca })
  socket.on('error', () => {})
  expect(await talk(socket, 'EHLO x')).toEqual([expect.stringMatching(/^554 .*\(listeners\.clientCertificates\)/)])
})

test('a listener that a reload takes away takes nobody while the others are opened (case A20)', async () => {
  const { under } = await start(new MemorySpool(), required)
  const [first] = gone.listeners
  const loaded = await load({ ...gone, listeners: [...gone.listeners, { ...(first as ListenerConfig), name: 'new' }] })
  const reloaded = under.submission.reconcile(loaded)
  expect(under.submission.addresses().map(({ name }) => name)).toEqual(['submissions'])
  await reloaded
  expect(under.submission.addresses().map(({ name }) => name)).toEqual(['submissions', 'new'])
})

const { shown, authorities } = await clientCertificates()

/** Connects with a certificate that a credential names, and reads the greeting. */
async function greeted(under: UnderTest, listener: string) {
  const port = under.port(listener)
  const socket = connectTls({ host: '127.0.0.1', port, servername: 'localhost', ca: under.ca, ...shown.device })
  closers.push(() => void socket.destroy())
  socket.on('error', () => {})
  await reply(socket)
  return socket
}

test.each([
  ['Required', 'NOOP', 'clients.crt', 'others.crt'],
  ['Optional', 'MAIL FROM:<noreply@corp.example>', 'clients.crt', 'others.crt'],
  ['Optional', 'MAIL FROM:<noreply@corp.example>', 'clients.crt', undefined],
] as const)('a session ends when its listener (%s) takes the authority of its certificate no more, though another listener does (case A20)', async (mode, next, caFile, later) => {
  const taking = (name: string, file: string | undefined): ListenerConfig => ({
    ...{ ...implicitListener, name },
    ...(file !== undefined && { clientCertificates: { mode, caFile: file } }),
  })
  const config = (file: string | undefined) => ({
    ...required,
    listeners: [taking('changes', file), taking('stays', caFile)],
  })
  const { under } = await start(new MemorySpool(), config(caFile))
  const [before, beside] = [await greeted(under, 'changes'), await greeted(under, 'stays')]
  for (const socket of [before, beside]) await talk(socket, 'EHLO x', 'AUTH EXTERNAL =')
  const loaded = await load(config(later))
  await under.submission.reconcile({
    ...loaded,
    files: new Map([...loaded.files, ['others.crt', authorities.other.pem]]),
  })
  expect(await talk(before, next)).toEqual([expect.stringMatching(/^421 .*\(always\.clientCertificateEnded\)/)])
  expect(await talk(beside, next)).toEqual([expect.stringMatching(/^250 /)])
})

test('a session of TLS 1.2 ends at its next command when its listener comes to require TLS 1.3, and takes no message any more (case T06)', async () => {
  const { under, spool } = await start()
  const open = async (maxVersion: 'TLSv1.2' | 'TLSv1.3') => {
    const port = under.port('submissions')
    const socket = connectTls({ host: '127.0.0.1', port, servername: 'localhost', ca: under.ca, maxVersion })
    closers.push(() => void socket.destroy())
    socket.on('error', () => {})
    await reply(socket)
    await logIn(socket)
    return socket
  }
  const [idle, inContent, newer] = [await open('TLSv1.2'), await open('TLSv1.2'), await open('TLSv1.3')]
  await talk(inContent, 'MAIL FROM:<noreply@corp.example>', 'RCPT TO:<user@elsewhere.example>', 'DATA')
  const listeners = baseConfig.listeners.map((its) => ({ ...its, tls: { ...its.tls, minVersion: '1.3' as const } }))
  await under.submission.reconcile(await load({ ...baseConfig, listeners }))
  const ended = [expect.stringMatching(/^421 4\.7\.0 .* \(listeners\.tls\.minVersion\)/)]
  expect(await talk(idle, 'MAIL FROM:<noreply@corp.example>')).toEqual(ended)
  expect(await talk(inContent, 'From: noreply@corp.example\r\n\r\nx\r\n.')).toEqual(ended)
  expect(await talk(newer, 'MAIL FROM:<noreply@corp.example>')).toEqual([expect.stringMatching(/^250 /)])
  expect(spool.kept).toEqual([])
})

test('a relay that is to leave is shut when the sessions of before have ended, and no sooner, also when it was told to stay meanwhile', async () => {
  const { under } = await start()
  const { submission } = under
  for (const _time of ['once', 'and again']) {
    const [, sending] = await banner(under, 'submissions')
    await logIn(sending)
    await talk(sending, 'MAIL FROM:<noreply@corp.example>')
    submission.shut()
    expect(submission.isShut).toBe(false)
    submission.reopen()
    expect(submission.isShut).toBe(false)
    submission.shut()
    sending.write('RSET\r\n')
    expect((await whole(sending)).toString()).toMatch(/^250 [^\r\n]*\r\n421 /)
    await expect.poll(() => submission.isShut).toBe(true)
    submission.reopen()
  }
})
