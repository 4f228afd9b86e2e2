/** With exchangers TLS is used where it is offered, whosever the certificate, and no mail waits for it (decision 0025). */
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { createServer } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { loadContent } from '../../../relay/delivery/content.ts'
import { DataEncoder } from '../../../relay/delivery/data-encoder.ts'
import { secureContext, startTls } from '../../../relay/delivery/secure.ts'
import { Wire } from '../../../relay/delivery/wire.ts'
import { makeCertificates } from '../../certificates.ts'
import { until } from '../../local/until.ts'
import { type Behaviour, drop, type Script, say } from './behaviour.ts'
import { MemorySpool } from './memory-spool.ts'
import { allWithin, oneSmarthost, rig } from './rig.ts'
import { envelope, hello } from './samples.ts'
import { startSmarthost } from './smarthost.ts'
import { one, rcptOf, to, two, twoDomains } from './two-domains.ts'
import { startWorld } from './world.ts'

test('an exchanger that offers STARTTLS gets the mail under TLS, whosever its certificate, and in clear where that fails; AUTH is never used', async () => {
  const { cert, key } = await makeCertificates(['other.test'])
  const certificate = { cert, key }
  const offers = ['STARTTLS', 'PIPELINING', 'AUTH PLAIN LOGIN']
  const { hosts, spool, facts, attempted, quiet } = await startWorld(twoDomains, {
    [one]: { certificate, offers },
    [two]: { offers, script: { STARTTLS: say('454 4.7.0 not now') } },
  })
  spool.put(to('u@a.test', 'v@b.test'), hello)
  await attempted(2)
  await quiet()
  expect(spool.stored.size).toBe(0)
  const connected = facts('smarthostConnected').map(([, tls]) => tls)
  expect(connected.toSorted()).toEqual(['', 'TLSv1.3'])
  for (const host of Object.values(hosts)) expect(host.lines.filter((line) => line.startsWith('AUTH'))).toEqual([])
})

test('case T20: an exchanger whose chain of certificates is longer than any in use gets the mail in clear', async () => {
  const { cert, key } = await makeCertificates(['other.test'])
  const offers = ['STARTTLS']
  const { hosts, spool, facts } = await startWorld(twoDomains, {
    [one]: { offers, certificate: { cert: `${cert}\n`.repeat(10), key } },
    [two]: { offers, certificate: { cert: `${cert}\n`.repeat(90), key } },
  })
  spool.put(to('u@a.test', 'v@b.test'), hello)
  await until('all are delivered', () => spool.stored.size === 0)
  const connected = facts('smarthostConnected').map(([, tls]) => tls)
  expect(connected.toSorted()).toEqual(['', 'TLSv1.3'])
  expect(hosts[two].received).toHaveLength(1)
})

test('case T20: an exchanger that wants a key in a group of its own (DHE), which may take half a second, gets the mail in clear, and a smarthost that is verified under TLS', async () => {
  const { ca, cert, key } = await makeCertificates(['127.0.0.1'], { rsa: true })
  const certificate = {
    cert,
    key,
    ciphers: 'DHE-RSA-AES128-GCM-SHA256',
    dhparam: 'auto',
    maxVersion: 'TLSv1.2',
  } as const
  const offers = ['STARTTLS']
  const { spool, facts } = await startWorld(twoDomains, { [one]: { offers, certificate }, [two]: { offers } })
  spool.put(to('u@a.test'), hello)
  await until('it is delivered', () => spool.stored.size === 0)
  expect(facts('smarthostConnected').map(([, tls]) => tls)).toEqual([''])
  const verified = await startSmarthost({ offers, certificate })
  const tls = { mode: 'StartTLS', caFile: 'ca' } as const
  const other = rig(oneSmarthost(verified.port, { tls }), { files: { ca } })
  other.spool.put(envelope(hello), hello)
  await until('that, too', () => other.spool.stored.size === 0)
  expect(other.facts('smarthostConnected').map(([, version]) => version)).toEqual(['TLSv1.2'])
})

test('case T21: an exchanger that refuses our TLS when the handshake is done, as with TLS 1.3, gets the mail in clear', async () => {
  const { cert, key } = await makeCertificates(['other.test'])
  const { hosts, spool, facts, quiet } = await startWorld(twoDomains, {
    [one]: { offers: ['STARTTLS'], certificate: { cert, key, wantsOurs: true } },
    [two]: {
      offers: ['STARTTLS'],
      certificate: { cert, key },
      script: { EHLO: (time) => (time === 1 ? drop : undefined) },
    },
  })
  spool.put(to('u@a.test', 'v@b.test'), hello)
  await until('both were tried', () => facts('attempted').length === 2)
  await quiet()
  expect(rcptOf([...hosts[one].received, ...hosts[two].received])).toEqual(['u@a.test', 'v@b.test'])
  expect(facts('smarthostConnected').map(([, tls]) => tls)).toEqual(['', ''])
})

test.each([
  ['RCPT', '550 5.7.10 Encryption needed'],
  ['RCPT', '554 5.7.1 <u@a.test>: Recipient address rejected: TLS required'],
  ['MAIL', '503 5.7.0 encryption too weak 0 less than 112'],
  ['MAIL', '451 5.7.3 STARTTLS is required to send mail'],
  ['dot', '550 Administrative prohibition: this domain takes mail over TLS only'],
] as const)('case T21: where TLS fails now, and %s is answered %s in clear, mail waits for the next attempt, and the reason names both', async (stage, reply) => {
  const script = { STARTTLS: say('454 4.7.0 TLS not available due to temporary reason'), [stage]: say(reply) }
  const { spool, attempts } = await startWorld(twoDomains, { [one]: { offers: ['STARTTLS'], script } })
  const { queueId } = spool.put(to('u@a.test'), hello).envelope
  await until('it was tried', () => attempts.length >= 1)
  expect(attempts[0]?.outcome.kind).toBe('deferred')
  expect(attempts[0]?.outcome.reply.text).toBe(
    `answered ${reply}; TLS was tried, and failed: STARTTLS was answered 454 4.7.0 TLS not available due to temporary reason`,
  )
  expect(spool.has(queueId)).toBe(true)
})

test.each<[string, Script, string]>([
  ['421 in the greeting', { banner: second(say('421 4.7.0 too many', { ends: 'drop' })) }, 'too many'],
  ['a greeting that never comes', { banner: second(drop) }, 'banner: the connection was closed'],
  ['554 to EHLO', { EHLO: second(say('554 5.7.0 no')), other: say('554 no') }, 'EHLO was answered 554 5.7.0 no'],
])('case T21: where TLS fails, and then the connection in clear with %s, the reason names both', async (_what, script, why) => {
  const { spool, attempts, attempted } = await startWorld(twoDomains, {
    [one]: { offers: ['STARTTLS'], script: { ...script, STARTTLS: drop } },
  })
  spool.put(to('u@a.test'), hello)
  await attempted(1)
  expect(attempts[0]?.outcome.reply.text).toBe(`${why}; TLS was tried, and failed: STARTTLS: the connection was closed`)
})

test('where TLS fails, and an address is refused in clear, that is a refusal, whatever stands in its name', async () => {
  const script = { STARTTLS: say('454 4.7.0 not now'), RCPT: say('550 5.1.1 <tls@a.test>: no such user') }
  const { spool, facts } = await startWorld(twoDomains, { [one]: { offers: ['STARTTLS'], script } })
  spool.put(to('tls@a.test'), hello)
  await until('it bounces', () => facts('bounced').length === 1)
})

/** Not for the connection that tries TLS. */
function second(behaviour: Behaviour) {
  return (time: number): Behaviour | undefined => (time === 1 ? behaviour : undefined)
}

/** A record of application data that no key opens (RFC 8446 section 5.2): it is answered by an alert. */
const broken = Buffer.from(`1703030020${'07'.repeat(32)}`, 'hex')

test('case T23: an exchanger that breaks TLS while the first octets of a content leave ends its connection, and no relay', async () => {
  const { cert, key } = await makeCertificates(['other.test'])
  const server = createServer({ cert, key }, (socket) => socket.on('error', () => {}).resume())
  onTestFinished(() => void server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const plain = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(plain, 'connect')
  const handshake = {
    host: '127.0.0.1',
    context: secureContext(undefined, false),
    verified: false,
    upgraded: true,
    deadlineMs: 20_000,
  }
  const secured = await startTls(plain, handshake)
  if ('kind' in secured) throw new Error(JSON.stringify(secured))
  const large = Buffer.concat([hello, Buffer.from('all of it goes as a stream, and unsigned\r\n'.repeat(5000))])
  const spool = new MemorySpool()
  const message = envelope(large)
  spool.put(message, large)
  const content = await loadContent(spool, message)
  if (content.kind !== 'stream') throw new Error('it was to go as a stream')
  const write = secured.write.bind(secured)
  secured.write = (octets: Buffer) => {
    process.nextTick(() => plain.emit('data', broken))
    return write(octets)
  }
  const uncaught: unknown[] = []
  const note = (error: unknown): void => void uncaught.push(error)
  process.on('uncaughtExceptionMonitor', note)
  onTestFinished(() => void process.off('uncaughtExceptionMonitor', note))
  const wire = new Wire(secured, allWithin(20_000))
  expect(await wire.stream(content.chunks(new DataEncoder()))).toMatchObject({ kind: 'none', cause: 'lost' })
  expect(uncaught).toEqual([])
})
