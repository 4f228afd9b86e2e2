/** A client certificate is a login when it is good and one credential names it; each way in which it can be bad is refused. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { type ConnectionOptions, connect as connectTls, createSecureContext, type TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import { oddTwin } from '../../certificates.ts'
import { clientCertificates, makeAuthority, type Shown } from '../../client-certificates.ts'
import { until } from '../../local/until.ts'
import { closers, logIn, reply, start, talk } from './clients.ts'
import { MemorySpool } from './memory-spool.ts'
import { certificateConfig, type UnderTest } from './submission-under-test.ts'

type Options = {
  readonly session?: Buffer
  readonly localAddress?: string
  readonly allowHalfOpen?: boolean
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3'
}

/** Connects to the Implicit listener, shows a certificate or none, and reads the greeting. */
async function show(
  under: UnderTest,
  shown?: Shown | Pick<ConnectionOptions, 'secureContext'>,
  options: Options = {},
): Promise<TLSSocket> {
  const port = under.port('submissions')
  const socket = connectTls({ host: '127.0.0.1', port, servername: 'localhost', ca: under.ca, ...shown, ...options })
  closers.push(() => void socket.destroy())
  socket.on('error', () => {})
  await reply(socket)
  return socket
}

async function showAfterStartTls(under: UnderTest, shown: Shown): Promise<Socket> {
  const plain = connect(under.port('submission'), '127.0.0.1')
  closers.push(() => void plain.destroy())
  await reply(plain)
  await talk(plain, 'EHLO x', 'STARTTLS')
  const socket = connectTls({ socket: plain, servername: 'localhost', ca: under.ca, ...shown })
  socket.on('error', () => {})
  return socket
}

const external = async (socket: Socket): Promise<string> => (await talk(socket, 'EHLO x', 'AUTH EXTERNAL ='))[1] ?? ''
const opening = 'MAIL FROM:<noreply@corp.example>'

const { shown, authorities } = await clientCertificates()

test.each([
  ['a URI that its credential names', 'device', 'apps/device'],
  ['a host name in other letter case', 'deviceByDns', 'apps/device'],
  ['a mail address whose domain is in other letter case', 'deviceByEmail', 'apps/device'],
  ['two names of one credential', 'deviceTwice', 'apps/device'],
  ['a name of another credential', 'printer', 'apps/printer'],
  ['an intermediate that is shown along with it', 'chain', 'apps/device'],
] as const)('a certificate logs in by %s', async (_, name, credential) => {
  const { under } = await start(new MemorySpool(), certificateConfig())
  for (const socket of [await show(under, shown[name]), await showAfterStartTls(under, shown[name])]) {
    expect(await external(socket)).toBe('235 2.7.0 authenticated\r\n')
    expect(under.told.at(-1)).toMatchObject({ msg: 'authenticated', credential, mechanism: 'EXTERNAL' })
  }
})

const untrusted = 'the client certificate is not of an authority that this listener takes (always.clientCertificate)'
const unfit =
  'the client certificate, or one that vouches for it, has a weak key or signature, breaks the constraints of its issuer, or has an extension that is not known (always.clientCertificate)'
const notForClients =
  'the client certificate is not for clients (key usage, extended key usage), or one that vouches for it is no authority (always.clientCertificate)'
const unnamed = 'no credential names this client certificate (credential.clientCertificate)'

test.each([
  [
    'no certificate at all',
    undefined,
    'certificate',
    'this needs a client certificate, and none was shown (always.clientCertificate)',
  ],
  ['a certificate of another authority', 'other', 'certificate', untrusted],
  ['a certificate of another authority of the same name', 'foreign', 'certificate', untrusted],
  [
    'a certificate of an authority of the same name, with a signature that is not good',
    'foreignByName',
    'certificate',
    untrusted,
  ],
  ['a certificate without its intermediate', 'withoutIntermediate', 'certificate', untrusted],
  [
    'a certificate that has expired',
    'expired',
    'certificateExpired',
    'the client certificate has expired, or one that vouches for it (always.clientCertificate)',
  ],
  [
    'a certificate that is not valid yet',
    'early',
    'certificateExpired',
    'the client certificate is not valid yet, or one that vouches for it (always.clientCertificate)',
  ],
  ['a certificate for servers', 'server', 'certificate', notForClients],
  ['a certificate whose key may sign certificates, and no handshake', 'signer', 'certificate', notForClients],
  ['a certificate signed by one that is no authority', 'belowNone', 'certificate', notForClients],
  ['a certificate with a weak signature', 'weak', 'certificate', unfit],
  ['a certificate with a critical extension that nobody knows', 'unknown', 'certificate', unfit],
  ['a certificate whose names only begin like one that a credential has', 'nobody', 'certificateName', unnamed],
  ['a certificate without a name', 'nameless', 'certificateName', unnamed],
  ['a certificate with the right name as another kind of name', 'otherKind', 'certificateName', unnamed],
  ['a certificate with a star in its name', 'wildcard', 'certificateName', unnamed],
  ['a certificate with two names in one', 'injected', 'certificateName', unnamed],
] as const)('a client that shows %s is refused AUTH EXTERNAL, and is not offered it', async (_, name, reason, text) => {
  const { under } = await start(new MemorySpool(), certificateConfig())
  const socket = await show(under, name && shown[name])
  const [hello, auth] = await talk(socket, 'EHLO x', 'AUTH EXTERNAL =')
  expect(hello).toContain('AUTH PLAIN LOGIN\r\n')
  expect(auth).toBe(`535 5.7.8 ${text}\r\n`)
  expect(under.told.at(-1)).toMatchObject({ msg: 'authentication failed', mechanism: 'EXTERNAL', reason })
  const [mail] = await talk(socket, opening)
  expect(mail).toBe(name === undefined ? '530 5.7.0 authentication required (always.authentication)\r\n' : auth)
  expect(await under.metrics.registry.metrics()).toMatch(
    new RegExp(`auth_total\\{[^}]*mechanism="EXTERNAL",result="failure",reason="${reason}"`),
  )
})

test('a chain of certificates that is longer than any in use is not verified, since that takes time from everybody (case T20)', async () => {
  const { under } = await start(new MemorySpool(), certificateConfig())
  const { cert, key } = shown.device
  const withOthers = (count: number) => ({ cert: `${cert}\n${`${authorities.other.pem}\n`.repeat(count)}`, key })
  expect(await external(await show(under, withOthers(8)))).toMatch(/^235 /)

  const [refused] = await Promise.allSettled([show(under, withOthers(80))])
  expect(refused.status).toBe('rejected')
  await once(await showAfterStartTls(under, withOthers(80)), 'close')
  const why = 'no TLS: more than 24576 octets came before the end of the TLS handshake'
  expect(under.told.filter(({ msg }) => msg === 'abandoned by the client')).toMatchObject([{ why }, { why }])
})

/** One context for many connections. */
function longChain({ ca }: UnderTest, name: 'device' | 'other'): Pick<ConnectionOptions, 'secureContext'> {
  const { cert, key } = shown[name]
  return {
    secureContext: createSecureContext({
      ca,
      cert: `${cert}\n${`${authorities.other.pem}\n`.repeat(20)}`,
      key,
    }),
  }
}

test('of strangers with long chains of certificates only so many stay, since OpenSSL keeps what they brought (case R04)', async () => {
  const config = certificateConfig()
  const { under } = await start(new MemorySpool(), {
    ...config,
    limits: { ...config.limits, connectionsPerClient: 1000 },
  })
  const [others, devices] = [longChain(under, 'other'), longChain(under, 'device')]
  // Whoever has logged in lately is no stranger, nor is anybody else at that address.
  const known = await show(under, devices, { localAddress: '127.0.0.2' })
  expect(await external(known)).toMatch(/^235 /)
  const first = await show(under, others)
  const plain = await show(under, shown.other)
  const sentAway = reply(first)
  for (let i = 0; i < 128; i++) await show(under, others)
  expect(await sentAway).toMatch(/^421 4\.7\.0 too many clients show long chains .* \(always\.certificateChains\)/)
  expect(await talk(plain, 'NOOP')).toEqual(['250 2.0.0 OK\r\n'])
  expect(await talk(known, opening)).toEqual(['250 2.1.0 reverse-path accepted\r\n'])
  expect(await external(await show(under, devices, { localAddress: '127.0.0.3' }))).toMatch(/^235 /)
})

test('a client with a long chain that has had its last reply gives way, and is refused nothing more', async () => {
  const config = certificateConfig()
  const limits = { ...config.limits, connectionsPerClient: 1000 }
  const { under } = await start(new MemorySpool(), { ...config, limits })
  const others = longChain(under, 'other')
  const leaving = await show(under, others, { allowHalfOpen: true })
  expect(await talk(leaving, 'QUIT')).toEqual(['221 2.0.0 Bye\r\n'])
  for (let i = 0; i < 128; i++) await show(under, others)
  await until('it had to go', () => under.submission.sessions === 128)
  expect(under.told.filter(({ msg }) => msg === 'refused')).toEqual([])
})

/** Begins a handshake that shows a long chain, and stops in the middle of it. */
function stall(under: UnderTest, chain: Pick<ConnectionOptions, 'secureContext'>): void {
  const plain = connect(under.port('submissions'), '127.0.0.1')
  closers.push(() => void plain.destroy())
  let sent = 0
  const stalling = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, written) {
      const passed = chunk.subarray(0, Math.max(0, 7000 - sent))
      sent += passed.length
      plain.write(passed, () => written())
    },
  })
  plain.on('data', (chunk: Buffer) => stalling.push(chunk)).on('error', () => {})
  connectTls({ socket: stalling, servername: 'localhost', ca: under.ca, ...chain }).on('error', () => {})
}

test('of strangers who stop in the middle of a handshake with a long chain only so many stay, too (case R04)', async () => {
  const config = certificateConfig()
  const { under } = await start(new MemorySpool(), {
    ...config,
    limits: { ...config.limits, connectionsPerClient: 1000 },
  })
  const others = longChain(under, 'other')
  for (let i = 0; i < 129; i++) stall(under, others)
  const left = () => under.told.filter(({ msg }) => msg === 'abandoned by the client')
  await until('one had to go', () => left().length > 0)
  expect(left()).toMatchObject([{ why: 'no TLS: newer clients also came with long chains of certificates' }])
})

test.each([
  ['a client that is not trusted', 'other', /^535 5\.7\.8 the client certificate is not of an authority/],
  ['a client that is trusted', 'device', /^235 /],
  ['a client that is trusted by an intermediate', 'chain', /^235 /],
] as const)('a chain of %s with a key on a curve that NIST has no name for ends no relay (case T22)', async (_, name, said) => {
  const { under } = await start(new MemorySpool(), certificateConfig())
  const { cert, key } = shown[name]
  const twins = await Promise.all([authorities.other, authorities.authority].map(({ pem }) => oddTwin(pem)))
  expect(await external(await show(under, { cert: [cert, ...twins].join('\n'), key }))).toMatch(said)
})

test.each([
  'authority',
  'other',
] as const)('a client may show a certificate of its intermediate that has ended, made by `%s`, before the one that took its place (case A20)', async (by) => {
  const { under } = await start(new MemorySpool(), certificateConfig())
  const { pem } = await makeAuthority('Intermediate', authorities[by], authorities.intermediate.keys, -1)
  const { cert, key } = shown.withoutIntermediate
  const both = { cert: `${cert}\n${pem}\n${authorities.intermediate.pem}`, key }
  expect(await external(await show(under, both))).toMatch(/^235 /)
  expect(await external(await show(under, { cert: `${cert}\n${pem}`, key }))).toMatch(/^535 /)
})

test('an intermediate that a listener names as its authority is trusted, and the root above it is not', async () => {
  const { under } = await start(new MemorySpool(), certificateConfig())
  await under.apply(certificateConfig(), authorities.intermediate.pem)
  expect(await external(await show(under, shown.withoutIntermediate))).toMatch(/^235 /)
  expect(await external(await show(under, shown.chain))).toMatch(/^235 /)
  expect(await external(await show(under, shown.device))).toMatch(/^535 /)
})

test('while an authority is replaced both are trusted; when the old one goes, its sessions end, and its certificates are refused', async () => {
  const { under } = await start(new MemorySpool(), certificateConfig())
  const config = certificateConfig()
  const before = await show(under, shown.device)
  expect(await external(before)).toMatch(/^235 /)
  const waiting = await show(under, shown.device)

  await under.apply(config, `${authorities.authority.pem}\n${authorities.other.pem}`)
  expect(await talk(before, opening, 'RSET')).toEqual([expect.stringMatching(/^250 /), expect.stringMatching(/^250 /)])
  const after = await show(under, shown.other)
  expect(await external(after)).toMatch(/^235 /)

  await under.apply(config, authorities.other.pem)
  const ended =
    '421 4.7.0 the client certificate of this session does not count any more; connect again (always.clientCertificateEnded)\r\n'
  expect(await talk(before, opening)).toEqual([ended])
  expect(await external(waiting)).toBe(`535 5.7.8 ${untrusted}\r\n`)
  expect(await external(await show(under, shown.device))).toBe(`535 5.7.8 ${untrusted}\r\n`)
  expect((await talk(after, opening))[0]).toMatch(/^250 /)
})

test('when an authority gets a new certificate for its key, open sessions end, and their clients can log in again', async () => {
  const { under } = await start(new MemorySpool(), certificateConfig())
  const before = await show(under, shown.device)
  expect(await external(before)).toMatch(/^235 /)
  const renewed = await makeAuthority('Clients', undefined, authorities.authority.keys)
  await under.apply(certificateConfig(), renewed.pem)
  expect((await talk(before, opening))[0]).toMatch(/^421 /)
  expect(await external(await show(under, shown.device))).toMatch(/^235 /)
})

test('a session ends when its client certificate expires', async () => {
  const clock = { now: Date.now() }
  const { under } = await start(new MemorySpool(), certificateConfig(), () => clock.now)
  const socket = await show(under, shown.device)
  expect(await external(socket)).toMatch(/^235 /)
  clock.now += 25 * 3_600_000
  expect((await talk(socket, opening))[0]).toMatch(/^421 4\.7\.0 .*\(always\.clientCertificateEnded\)/)
})

test('a required certificate that expires while a content comes does not count at its end, beside a password, too (case A03)', async () => {
  const clock = { now: Date.now() }
  const { spool, under } = await start(new MemorySpool(), certificateConfig('Required'), () => clock.now)
  const socket = await show(under, shown.nobody)
  await logIn(socket)
  expect((await talk(socket, opening, 'RCPT TO:<a@elsewhere.example>', 'DATA'))[2]).toMatch(/^354 /)
  clock.now += 25 * 3_600_000
  const [said] = await talk(socket, 'From: <noreply@corp.example>\r\n\r\nhi\r\n.')
  expect(said).toMatch(/^421 4\.7\.0 .*\(always\.clientCertificateEnded\)/)
  expect(spool.kept).toEqual([])
})

test('a listener that comes to require certificates ends sessions that have shown none', async () => {
  const { under } = await start(new MemorySpool(), certificateConfig())
  const certified = await show(under, shown.nobody)
  const without = await show(under)
  await under.apply(certificateConfig('Required'))
  expect((await talk(certified, 'NOOP'))[0]).toMatch(/^250 /)
  expect((await talk(without, 'NOOP'))[0]).toMatch(/^554 5\.7\.0 .*\(listeners\.clientCertificates\)/)
})

test.each([
  'TLSv1.2',
  'TLSv1.3',
] as const)('no %s session is resumed with the certificate that its client once showed', async (maxVersion) => {
  const { under } = await start(new MemorySpool(), certificateConfig())
  let session: Buffer | undefined
  const first = await show(under, shown.device, { maxVersion })
  first.on('session', (given) => {
    session = given
  })
  expect(await external(first)).toMatch(/^235 /)
  const ticket = session ?? first.getSession()
  if (ticket === undefined) throw new Error('no session was given')
  const again = await show(under, undefined, { maxVersion, session: ticket })
  expect(again.isSessionReused()).toBe(false)
  expect(await external(again)).toMatch(/^535 .*none was shown/)
})
