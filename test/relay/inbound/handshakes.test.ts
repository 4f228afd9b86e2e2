/** Each connection makes a TLS handshake of its own, by safe versions, ciphers and keys, and what is wrong with one is told in words. */
import 'reflect-metadata'
import { execFileSync, spawn } from 'node:child_process'
import { webcrypto } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { PemConverter, X509CertificateGenerator } from '@peculiar/x509'
import { expect, test } from 'vitest'
import type { ListenerConfig, LoadedConfig } from '../../../relay/config.ts'
import { type Certificate, Handshakes } from '../../../relay/inbound/handshakes.ts'
import { makeCertificates } from '../../certificates.ts'
import { clientCertificates } from '../../client-certificates.ts'
import { installed, programFile } from '../../local/programs.ts'
import { until } from '../../local/until.ts'
import { banner, closers, reply, start, talk } from './clients.ts'
import { app, baseConfig, load, startTlsListener, testCertificates, type UnderTest } from './submission-under-test.ts'

const plain = ({ username, password }: typeof app): string =>
  Buffer.from(`\0${username}\0${password}`).toString('base64')

type Options = { readonly session?: Buffer; readonly maxVersion: 'TLSv1.2' | 'TLSv1.3'; readonly ciphers?: string }
const versions = ['TLSv1.2', 'TLSv1.3'] as const

async function open(under: UnderTest, options: Options): Promise<{ socket: TLSSocket; session: Buffer }> {
  const port = under.port('submissions')
  const socket = connectTls({ host: '127.0.0.1', port, servername: 'localhost', rejectUnauthorized: false, ...options })
  closers.push(() => void socket.destroy())
  let session: Buffer | undefined
  socket
    .on('error', () => {})
    .on('session', (given: Buffer) => {
      session = given
    })
  await reply(socket)
  // In TLS 1.3 a ticket comes after the handshake, with the first octets or behind them; a relay that is not started as
  // it ships, as here, sends one that is good for nothing.
  await talk(socket, 'EHLO x')
  const given = session ?? socket.getSession()
  if (given === undefined) throw new Error('no session was given')
  return { socket, session: given }
}

test.each(versions)('no %s session is resumed', async (maxVersion) => {
  const { under } = await start()
  const { session } = await open(under, { maxVersion })
  const { socket } = await open(under, { maxVersion, session })
  expect(socket.isSessionReused()).toBe(false)
})

test.each([
  ['the ciphers of Node', {}, 'TLS_AES_128_GCM_SHA256'],
  ['AES-256 first', { ciphers: 'TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256' }, 'TLS_AES_128_GCM_SHA256'],
  ['AES-256 alone', { ciphers: 'TLS_AES_256_GCM_SHA384' }, 'TLS_AES_256_GCM_SHA384'],
  ['ChaCha20 alone', { ciphers: 'TLS_CHACHA20_POLY1305_SHA256' }, 'TLS_CHACHA20_POLY1305_SHA256'],
] as const)('a client that offers %s for TLS 1.3 gets one that both have', async (_name, offers, chosen) => {
  const { under } = await start()
  const { socket } = await open(under, { maxVersion: 'TLSv1.3', ...offers })
  expect(socket.getCipher().name).toBe(chosen)
})

test.each([
  ['keys of its own alone', 'ECDHE-RSA-AES128-GCM-SHA256', true],
  ['keys of its own, and by the key of the certificate', 'AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256', true],
  [
    'the key of an RSA certificate alone, which would open what somebody has recorded',
    'AES128-GCM-SHA256:AES256-SHA',
    false,
  ],
] as const)('TLS 1.2 is made only if each session can have keys of its own; a client offers it by %s (case T06)', async (_what, ciphers, isTaken) => {
  const { under } = await start()
  await under.submission.reconcile(await rsaCertificate())
  const port = under.port('submissions')
  const socket = connectTls({ host: '127.0.0.1', port, maxVersion: 'TLSv1.2', rejectUnauthorized: false, ciphers })
  closers.push(() => void socket.destroy())
  const made = new Promise((resolve) => {
    socket.on('secureConnect', () => resolve(socket.getCipher().name)).on('error', () => resolve('none'))
  })
  expect(await made).toBe(isTaken ? 'ECDHE-RSA-AES128-GCM-SHA256' : 'none')
})

/** A configuration whose certificate has an RSA key, and does not say what that is for: so it is for anything. */
async function rsaCertificate(): Promise<LoadedConfig> {
  const signingAlgorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  const size = { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }
  const keys = await webcrypto.subtle.generateKey({ ...signingAlgorithm, ...size }, true, ['sign', 'verify'])
  const shown = await X509CertificateGenerator.createSelfSigned({ name: 'CN=localhost', signingAlgorithm, keys })
  const key = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  const loaded = await load(baseConfig)
  return { ...loaded, files: new Map([...loaded.files, ['tls.crt', shown.toString('pem')], ['tls.key', key]]) }
}

test('a session of TLS 1.2 has one handshake: a client that asks for another one within it is refused', async () => {
  const { under } = await start()
  const { socket } = await open(under, { maxVersion: 'TLSv1.2' })
  const again = new Promise((resolve) => {
    socket.on('close', () => resolve('refused'))
    socket.renegotiate({}, (error) => resolve(error === null ? 'done' : 'refused'))
  })
  expect(await again).toBe('refused')
})

/** A client, that of OpenSSL, which takes another key of its own in its session of TLS 1.3 as often as it is asked to. */
function keyChanger(port: number) {
  const program = spawn(programFile('openssl') ?? 'openssl', ['s_client', '-tls1_3', '-connect', `127.0.0.1:${port}`])
  closers.push(() => void program.kill())
  let heard = ''
  for (const output of [program.stdout, program.stderr]) output.on('data', (octets) => (heard += String(octets)))
  program.stdin.on('error', () => {})
  return {
    ended: once(program, 'exit'),
    greeted: () => until('the client is greeted', () => heard.includes('220 ')),
    /** Takes another key that often, without asking the relay for a new one, too (RFC 8446 section 4.6.3). */
    async change(times: number): Promise<void> {
      for (let n = 0; n < times; n += 1) {
        const before = heard.split('KEYUPDATE').length
        program.stdin.write('k\n')
        await until(
          'the client has another key',
          () => heard.split('KEYUPDATE').length > before || program.exitCode !== null,
        )
      }
    },
    async say(line: string): Promise<string> {
      program.stdin.write(`${line}\r\n`)
      await until('the client is answered', () => heard.includes('250 '))
      return heard
    },
  }
}

test.runIf(installed('openssl'))(
  'a stranger may have a hundred keys in a session of TLS 1.3, and is sent away when it takes more',
  async () => {
    const { under } = await start()
    const changer = keyChanger(under.port('submissions'))
    await changer.greeted()
    await changer.change(50)
    await changer.say('NOOP')
    await changer.change(60)
    await changer.ended
    expect(under.told).toContainEqual(
      expect.objectContaining({ msg: 'refused', stage: 'connect', rule: 'always.errors' }),
    )
    await until('nobody is there', () => under.submission.sessions === 0)
  },
)

test.runIf(installed('openssl')).each([
  [
    'trusts another authority',
    ['-verify_return_error'],
    'the client does not trust who signed our certificate: give it',
  ],
  [
    'has nothing newer than TLS 1.1',
    ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'],
    'the client has no version of TLS that',
  ],
  [
    'knows keys of RSA alone',
    ['-sigalgs', 'RSA+SHA256'],
    'the client has no cipher or signature that is safe and goes',
  ],
])('why the handshake of a client that %s failed is told in words', async (_, options, why) => {
  const { under } = await start()
  const port = under.port('submissions')
  const program = spawn(programFile('openssl') ?? 'openssl', ['s_client', ...options, '-connect', `127.0.0.1:${port}`])
  closers.push(() => void program.kill())
  await until('the failure is told', () => under.told.some(({ msg }) => msg === 'abandoned by the client'))
  expect(under.told.at(-1)?.['why']).toContain(`no TLS: ${why}`)
})

test.each([
  ['behind its last reply', ['QUIT'], []],
  ['between two commands', [], []],
  [
    'within a transaction',
    [`AUTH PLAIN ${plain(app)}`, 'MAIL FROM:<noreply@corp.example>'],
    ['abandoned by the client'],
  ],
])('a client that resets its connection %s is not told as one that broke a rule', async (_when, lines, told) => {
  const { under } = await start()
  const raw = connect(under.port('submissions'), '127.0.0.1')
  const socket = connectTls({ socket: raw, servername: 'localhost', ca: under.ca }).on('error', () => {})
  closers.push(() => void socket.destroy())
  await reply(socket)
  await talk(socket, 'EHLO x', ...lines)
  raw.resetAndDestroy()
  await until('nobody is there', () => under.submission.sessions === 0)
  const all = under.told.map(({ msg }) => msg)
  expect(all.filter((msg) => msg === 'refused' || msg === 'abandoned by the client')).toEqual(told)
})

/** Connects and resets while this process waits for that: the system has accepted the connection, and the relay has not seen it. */
function resetsBeforeItIsTaken(port: number): void {
  const program = `const s = require('node:net').connect(${port}, '127.0.0.1', () => s.resetAndDestroy())`
  execFileSync(process.execPath, ['-e', program])
}

test.each([
  'submission',
  'submissions',
])('a client that has reset its connection before the relay saw it is no session, and is not told as one of a refused network (%s)', async (listener) => {
  const { under } = await start()
  resetsBeforeItIsTaken(under.port(listener))
  const [, socket] = await banner(under, listener)
  await talk(socket, 'NOOP')
  expect(under.submission.sessions).toBe(1)
  expect(under.told.map(({ msg }) => msg)).not.toContain('refused')
  const { values } = await under.metrics.connections.get()
  expect(values.map(({ value }) => value)).toEqual([1])
})

test.each(versions)('a session of %s ends at a record that can not be decrypted', async (maxVersion) => {
  const { under } = await start()
  const raw = connect(under.port('submissions'), '127.0.0.1')
  const options = { servername: 'localhost', ca: under.ca, maxVersion }
  const socket = connectTls({ socket: raw, ...options }).on('error', () => {})
  closers.push(() => void socket.destroy())
  await reply(socket)
  raw.write(Buffer.concat([Buffer.from([0x17, 3, 3, 0, 48]), Buffer.alloc(48)]))
  await until('nobody is there', () => under.submission.sessions === 0)
})

test('when a client ends TLS, and not its connection, the relay ends both', async () => {
  const { under } = await start()
  const raw = connect(under.port('submissions'), '127.0.0.1')
  closers.push(() => void raw.destroy())
  const kept = new Duplex({
    read: () => {},
    write: (octets, _, written) => void raw.write(octets, written),
    final: (ended) => ended(),
  })
  raw.on('data', (octets) => kept.push(octets))
  const ended = once(raw, 'end')
  const socket = connectTls({ socket: kept, servername: 'localhost', ca: under.ca })
  await reply(socket)
  socket.end()
  await ended
  await until('nobody is there', () => under.submission.sessions === 0)
  expect(under.told.map(({ msg }) => msg)).not.toContain('refused')
})

const { cert, key } = await testCertificates()
const { authorities } = await clientCertificates()
const ca = authorities.authority.pem
const asking: ListenerConfig = { ...startTlsListener, clientCertificates: { mode: 'Optional', caFile: 'clients.crt' } }
const renewed = await makeCertificates(['localhost'])

/** Whether a listener that asks for certificates goes on with the TLS context that it had, when it is given this one. */
function isKept(certificate: Certificate, config = asking): boolean {
  const handshakes = new Handshakes({ cert, key, ca }, asking)
  const before = handshakes.current
  handshakes.renew(certificate, config)
  return handshakes.current === before
}

test('a listener keeps its TLS context while certificate, key, authorities and TLS settings stay the same, and makes it anew when one changes', () => {
  expect(isKept({ cert, key, ca })).toBe(true)
  expect(isKept({ cert, key, ca }, { ...asking, bareNewlines: 'Normalise' })).toBe(true)
  expect(isKept({ cert: renewed.cert, key: renewed.key, ca })).toBe(false)
  expect(isKept({ cert, key, ca: `${ca}${renewed.ca}` })).toBe(false)
  expect(isKept({ cert, key, ca }, { ...asking, tls: { ...asking.tls, minVersion: '1.3' } })).toBe(false)
  const others = { mode: 'Optional', caFile: 'others.crt' } as const
  expect(isKept({ cert, key, ca }, { ...asking, clientCertificates: others })).toBe(false)
})

test('a certificate that can not be used is refused as often as it is given, and changes nothing', () => {
  const handshakes = new Handshakes({ cert, key, ca }, asking)
  const before = handshakes.current
  for (let n = 0; n < 2; n += 1) expect(() => handshakes.renew({ cert, key: renewed.key, ca }, asking)).toThrow()
  expect(handshakes.current).toBe(before)
})
