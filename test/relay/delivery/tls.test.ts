/** A smarthost is verified by TLS before it gets a login or mail, and TLS is never less than the mode asks for. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import type { SmarthostConfig } from '../../../relay/config.ts'
import type { Lookup } from '../../../relay/delivery/addresses.ts'
import { Pool } from '../../../relay/delivery/pool.ts'
import { startTls as handshakeWith, secureContext } from '../../../relay/delivery/secure.ts'
import { makeCertificates, oddTwin } from '../../certificates.ts'
import { until } from '../../local/until.ts'
import { oldTlsServer } from '../old-tls.ts'
import { drop, type Script, say } from './behaviour.ts'
import { allWithin, oneSmarthost, rig } from './rig.ts'
import { envelope, hello, smarthost } from './samples.ts'
import { everything, type Options, startSmarthost } from './smarthost.ts'

type Certificate = Awaited<ReturnType<typeof makeCertificates>>
let forAddress: Certificate
let forName: Certificate
let forOthers: Certificate
let expired: Certificate
let notYet: Certificate
const day = 86_400_000

beforeAll(async () => {
  const [from, to] = [new Date(Date.now() - 2 * day), new Date(Date.now() - day)]
  forAddress = await makeCertificates(['127.0.0.1'])
  forName = await makeCertificates(['localhost'])
  forOthers = await makeCertificates(['mail.other.test', '127.0.0.2'])
  expired = await makeCertificates(['127.0.0.1'], { notBefore: from, notAfter: to })
  notYet = await makeCertificates(['127.0.0.1'], {
    notBefore: new Date(Date.now() + day),
    notAfter: new Date(Date.now() + 2 * day),
  })
})

const offers = [...everything, 'STARTTLS', 'AUTH PLAIN LOGIN']
const login = { usernameFile: 'user', passwordFile: 'password' }
const files = { user: 'relay', password: 'pass word\n' }

async function deliver(options: Options, smarthost: Partial<SmarthostConfig>, ca?: string) {
  const upstream = await startSmarthost({ offers, ...options })
  const { settled, quiet, attempts, spool, delivery, facts } = rig(oneSmarthost(upstream.port, smarthost), {
    files: { ...files, ...(ca !== undefined && { ca }) },
  })
  await settled(spool.put(envelope(hello), hello).envelope)
  await quiet()
  return { upstream, outcome: attempts[0]?.outcome, spool, delivery, facts }
}

const startTls = { mode: 'StartTLS', caFile: 'ca' } as const
const insecure = { kind: 'deferred', scope: 'nextHop', reply: { status: '4.7.5' } }

test('with StartTLS the capabilities are asked for anew, and AUTH is sent, only after the handshake', async () => {
  const { upstream, outcome, facts } = await deliver(
    { certificate: forAddress },
    { tls: startTls, auth: login },
    forAddress.ca,
  )
  expect(outcome?.kind).toBe('delivered')
  const plain = Buffer.from('\0relay\0pass word').toString('base64')
  expect(upstream.lines.slice(0, 5)).toEqual([
    'EHLO relay.example.org',
    'STARTTLS',
    'EHLO relay.example.org',
    `AUTH PLAIN ${plain}`,
    `MAIL FROM:<app@corp.test> SIZE=${hello.length}`,
  ])
  expect(facts('smarthostConnected')).toEqual([['a', 'TLSv1.3']])
})

test('with Implicit TLS begins with the first octet, and the certificate is for the name of the host', async () => {
  const { outcome } = await deliver(
    { certificate: forName, tlsFromStart: true },
    { host: 'localhost', tls: { mode: 'Implicit', caFile: 'ca' }, auth: login },
    forName.ca,
  )
  expect(outcome?.kind).toBe('delivered')
})

test.each([
  ['has no other name than that', [], 'a common name does not count'],
  [
    'names a client beside that',
    ['spiffe://corp.test/app'],
    'is for URI:spiffe://corp.test/app, and not for this host',
  ],
])('case T18: a common name is free text: a certificate that %s is for no host', async (_name, names, told) => {
  const named = await makeCertificates(names, { commonName: 'localhost' })
  const { outcome } = await deliver({ certificate: named }, { tls: startTls, host: 'localhost', auth: login }, named.ca)
  expect(outcome).toMatchObject({
    kind: 'deferred',
    reply: { status: '4.7.5', text: expect.stringContaining(told) },
  })
})

test.each([
  'StartTLS',
  'Opportunistic',
] as const)('case T22: %s: a chain with a key on a curve that NIST has no name for ends no relay', async (mode) => {
  const { ca, cert, key } = forAddress
  const certificate = { cert: `${cert}\n${await oddTwin(ca)}`, key }
  const { outcome } = await deliver({ certificate }, { tls: { mode, caFile: 'ca' } }, ca)
  expect(outcome?.kind).toBe('delivered')
})

test('case T15: where STARTTLS is not offered mail is deferred with 4.7.5, and MAIL is not sent', async () => {
  const { upstream, outcome } = await deliver(
    { offers: everything, certificate: forAddress },
    { tls: startTls },
    forAddress.ca,
  )
  expect(outcome).toMatchObject(insecure)
  expect(upstream.lines.filter((line) => line !== 'QUIT')).toEqual(['EHLO relay.example.org'])
})

test.each([
  ['502', say('502 5.5.1 no')],
  ['454', say('454 4.7.0 not now')],
])('case T15: where STARTTLS is answered %s MAIL is not sent', async (_name, behaviour) => {
  const { upstream, outcome } = await deliver({ script: { STARTTLS: behaviour } }, { tls: startTls }, forAddress.ca)
  expect(outcome).toMatchObject({
    kind: 'deferred',
    scope: 'nextHop',
    reply: { status: expect.stringMatching(/^4\.7\./) },
  })
  expect(upstream.times('MAIL')).toBe(0)
})

test.each([
  'Disabled',
  'Opportunistic',
] as const)('case T16: no password is sent without verified TLS, whatever the configuration says: %s', async (mode) => {
  const { upstream, outcome } = await deliver({ certificate: forAddress }, { tls: { mode }, auth: login })
  expect(outcome).toMatchObject(insecure)
  expect(upstream.times('AUTH')).toBe(0)
  expect(upstream.times('MAIL')).toBe(0)
})

const wrong: readonly (readonly [name: string, served: () => Certificate, roots: () => string | undefined])[] = [
  ['expired', () => expired, () => expired.ca],
  ['not yet valid', () => notYet, () => notYet.ca],
  ['for another host', () => forOthers, () => forOthers.ca],
  ['of an unknown authority', () => forAddress, () => forOthers.ca],
  ['of no authority that the default roots know', () => forAddress, () => undefined],
]

test.each(
  wrong,
)('case T18: with a certificate that is %s mail is deferred with 4.7.5, no MAIL or AUTH is sent, and the smarthost is left out for a minute', async (_name, served, roots) => {
  for (const mode of ['StartTLS', 'Implicit'] as const) {
    const ca = roots()
    const { upstream, outcome, delivery } = await deliver(
      { certificate: served(), tlsFromStart: mode === 'Implicit' },
      { tls: { mode, ...(ca !== undefined && { caFile: 'ca' }) }, auth: login },
      ca,
    )
    expect(outcome).toMatchObject(insecure)
    expect(upstream.times('AUTH') + upstream.times('MAIL')).toBe(0)
    const [state] = delivery.smarthosts()
    expect(Date.parse(state?.ejectedUntil ?? '') - Date.now()).toBeGreaterThan(55_000)
  }
})

test.each(['StartTLS', 'Implicit'] as const)('%s verifies the smarthost also where there is no login', async (mode) => {
  const { upstream, outcome } = await deliver(
    { certificate: forOthers, tlsFromStart: mode === 'Implicit' },
    { tls: { mode, caFile: 'ca' } },
    forOthers.ca,
  )
  expect(outcome).toMatchObject(insecure)
  expect(upstream.times('MAIL')).toBe(0)
})

type Files = { readonly ca: string; readonly user: string; readonly password: string }
test.each([
  [
    'authorities that are no PEM',
    (good: Files) => ({ ...good, ca: 'not a certificate' }),
    'the file ca holds no PEM certificates',
  ],
  ['a file of authorities that is not there', ({ ca: _, ...others }: Files) => others, 'the file ca is not there'],
  ['a password that is not there', ({ password: _, ...others }: Files) => others, 'the file password is not there'],
])('case S25: with %s nobody is connected to: that is no attempt, in a report neither, and the smarthost is left out', async (_what, without, why) => {
  for (const mode of ['StartTLS', 'Implicit'] as const) {
    const upstream = await startSmarthost({ offers, certificate: forAddress, tlsFromStart: mode === 'Implicit' })
    const { settled, attempts, spool, delivery, facts } = rig(
      oneSmarthost(upstream.port, { tls: { mode, caFile: 'ca' }, auth: login }),
      { files: without({ ...files, ca: forAddress.ca }) },
    )
    await settled(spool.put(envelope(hello, { acceptedAt: Date.now() - day - 60_000 }), hello).envelope)
    expect(facts('smarthostEjected')).toEqual([['a', '127.0.0.1', expect.closeTo(60_000), `451 4.7.5 ${why}`]])
    expect(delivery.smarthosts()).toMatchObject([{ health: 'ejected', lastReply: { text: why } }])
    await until('the report is queued', () => facts('dsnQueued').length === 1)
    const dsn = String([...spool.stored.values()].find(({ envelope: { reports } }) => reports !== undefined)?.content)
    expect(dsn).toContain(`Its time was over while no attempt could be made:\r\n    451 4.7.5 ${why}\r\n`)
    expect(dsn).toContain(`\r\nDiagnostic-Code: X-Relayfleet; 451 4.7.5 ${why}\r\n`)
    expect(dsn).not.toMatch(/Remote-MTA|Last-Attempt-Date|smarthost/)
    expect(attempts).toEqual([])
    expect(upstream.connections()).toBe(0)
  }
})

test('mail that waits for a smarthost because of a file that is not here leaves at once when a reload brings the file', async () => {
  const upstream = await startSmarthost({ offers, certificate: forAddress })
  const routes = oneSmarthost(upstream.port, { tls: startTls })
  const { settled, spool, reload, delivery } = rig(routes)
  await settled(spool.put(envelope(hello), hello).envelope)
  spool.put(envelope(hello), hello)
  await until('the next message waits', () => delivery.summary().ready === 1)
  reload(routes, {}, { ca: forAddress.ca })
  await until('the next message is received', () => upstream.received.length === 1)
  expect(delivery.summary()).toMatchObject({ deferred: 1, ready: 0 })
})

test.each([
  ['a whole reply', '220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n'],
  ['a part of one', '220 go\r\n2'],
])('octets that come with the reply to STARTTLS (%s) are taken for an injection, and mail is deferred', async (_name, octets) => {
  const { upstream, outcome } = await deliver(
    { certificate: forAddress, script: { STARTTLS: say(Buffer.from(octets)) } },
    { tls: startTls },
    forAddress.ca,
  )
  expect(outcome).toMatchObject({ kind: 'deferred', scope: 'nextHop', reply: { status: '4.5.0' } })
  expect(upstream.times('MAIL')).toBe(0)
})

test.each([
  ['offered, with a certificate that nobody vouches for', { certificate: 'self' }, 'TLSv1.3'],
  ['not offered', { offers: everything }, ''],
] as const)('with Opportunistic, mail is delivered where TLS is %s', async (_name, options, tls) => {
  const { outcome, facts } = await deliver('offers' in options ? options : { certificate: forOthers }, {
    tls: { mode: 'Opportunistic' },
  })
  expect(outcome?.kind).toBe('delivered')
  expect(facts('smarthostConnected')).toEqual([['a', tls]])
})

test.each([
  'TLS',
  'STARTTLS',
  'EHLO under TLS',
] as const)('case T21: Opportunistic: a smarthost where %s fails gets the mail in clear', async (stage) => {
  const scripts: Record<typeof stage, Script> = {
    TLS: {},
    STARTTLS: { STARTTLS: say('454 4.7.0 not now') },
    'EHLO under TLS': { EHLO: (time) => (time === 1 ? drop : undefined) },
  }
  const upstream = await startSmarthost({
    offers: ['STARTTLS'],
    script: scripts[stage],
    certificate: { cert: forOthers.cert, key: forOthers.key, wantsOurs: stage === 'TLS' },
  })
  const { spool, attempted, quiet, facts } = rig(oneSmarthost(upstream.port, { tls: { mode: 'Opportunistic' } }))
  spool.put(envelope(hello), hello)
  await attempted(1)
  await quiet()
  expect(upstream.received).toHaveLength(1)
  expect(facts('smarthostConnected').map(([, tls]) => tls)).toEqual([''])
})

test.each([
  [
    'the handshake',
    {},
    /TLS was tried, and failed: TLS: no TLS with it: it wants a certificate of its client.*\(ERR_SSL/,
  ],
  [
    'STARTTLS',
    { STARTTLS: say('454 4.7.0 not now') },
    /TLS was tried, and failed: STARTTLS was answered 454 4.7.0 not now$/,
  ],
] as const)('case T21: Opportunistic: where %s fails, and nothing is taken in clear, the reason names both', async (_name, script, why) => {
  const wantsTls = say('530 5.7.0 Must issue a STARTTLS command first')
  const upstream = await startSmarthost({
    offers: ['STARTTLS'],
    script: { ...script, MAIL: wantsTls },
    certificate: { cert: forOthers.cert, key: forOthers.key, wantsOurs: true },
  })
  const { spool, attempted, attempts } = rig(oneSmarthost(upstream.port, { tls: { mode: 'Opportunistic' } }))
  spool.put(envelope(hello), hello)
  await attempted(1)
  expect(attempts[0]?.outcome.reply.text).toMatch(/^MAIL was answered 530 5.7.0 Must issue a STARTTLS command first; /)
  expect(attempts[0]?.outcome.reply.text).toMatch(why)
})

test('mail for a smarthost with no more than TLS 1.1 is deferred', async () => {
  const port = await oldTlsServer(forAddress)
  const { attempted, attempts, spool } = rig(oneSmarthost(port, { tls: { mode: 'Implicit', caFile: 'ca' } }), {
    files: { ca: forAddress.ca },
  })
  spool.put(envelope(hello), hello)
  await attempted(1)
  expect(attempts[0]?.outcome).toMatchObject(insecure)
})

test('of several smarthosts at one address each shows the certificate of the name that it is asked by (case T18)', async () => {
  const pairs = { 'a.test': await makeCertificates(['a.test']), 'b.test': await makeCertificates(['b.test']) }
  const certificate = { ...forAddress, byName: pairs }
  const roots = `${pairs['a.test'].ca}\n${pairs['b.test'].ca}`
  const asked: string[] = []
  const lookup: Lookup = (host, answered) => {
    asked.push(host)
    process.nextTick(answered, null, [{ address: '127.0.0.1', family: 4 }])
  }
  for (const tlsFromStart of [true, false]) {
    const { port } = await startSmarthost({ offers, certificate, tlsFromStart })
    const openedBy = async (host: string): Promise<string> => {
      const tls = { mode: tlsFromStart ? 'Implicit' : 'StartTLS' } as const
      const target = { smarthost: smarthost('one', port, { host, tls }), helloName: 'relay.example.org', roots }
      const pool = new Pool(target, { lookup, deadlines: allWithin(20_000) }, { smarthostConnected: () => {} })
      onTestFinished(() => pool.destroy())
      const opened = await pool.connections(() => false).acquire(false)
      return opened.kind === 'open' ? opened.kind : `${opened.stage} ${JSON.stringify(opened.answer)}`
    }
    expect([await openedBy('a.test'), await openedBy('b.test')]).toEqual(['open', 'open'])
    // The dot is for DNS: no search list completes the name. It is none of a certificate, nor of the handshake (RFC 6066 section 3).
    expect(await openedBy('b.test.')).toBe('open')
    expect(asked.at(-1)).toBe('b.test.')
    expect(await openedBy('c.test')).toMatch(/^TLS .*"insecure"/)
  }
})

/** As a firewall that judges a handshake by its first packet: a read that would not fit into one goes no further, nor what follows. */
async function startFirewall(port: number): Promise<number> {
  const onePacket = 1400
  const server = createServer((client) => {
    const host = connect(port, '127.0.0.1')
    const read: number[] = []
    client.on('data', (octets) => {
      read.push(octets.length)
      if (Math.max(...read) <= onePacket) host.write(octets)
    })
    host.pipe(client)
    for (const socket of [client, host])
      socket.on('error', () => {}).on('close', () => [client, host].map((s) => s.destroy()))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

test.each([
  'StartTLS',
  'Implicit',
  'Opportunistic',
] as const)('case T18: with %s TLS begins in one packet, since some hosts, or firewalls before them, never answer a longer beginning', async (mode) => {
  // A host with a group whose shares are long would ask for one, and not be there behind such a firewall.
  const certificate = { ...forAddress, ecdhCurve: 'X25519:P-256' }
  const upstream = await startSmarthost({ offers, certificate, tlsFromStart: mode === 'Implicit' })
  const port = await startFirewall(upstream.port)
  const tls = mode === 'Opportunistic' ? { mode } : { mode, caFile: 'ca' }
  const { spool, attempted, attempts, facts } = rig(oneSmarthost(port, { tls }), {
    files: { ca: forAddress.ca },
    deadlines: allWithin(1000),
  })
  spool.put(envelope(hello), hello)
  await attempted(1)
  expect(attempts.map(({ outcome }) => outcome.kind)).toEqual(['delivered'])
  expect(facts('smarthostConnected').map(([, version]) => version)).toEqual(['TLSv1.3'])
})

test('case T18: a host that prefers a key exchange which quantum computers do not break has that', async () => {
  const server = createTlsServer(forAddress, (socket) => void socket.on('error', () => {})).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const handshake = { host: '127.0.0.1', verified: true, upgraded: false, deadlineMs: 20_000 }
  const secured = await handshakeWith(socket, { ...handshake, context: secureContext(forAddress.ca, true) })
  expect('getEphemeralKeyInfo' in secured && secured.getEphemeralKeyInfo()).toMatchObject({ name: 'X25519MLKEM768' })
  socket.destroy()
})
