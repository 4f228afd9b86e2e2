/** What is wrong with the TLS of a smarthost is told in words that name what mends it. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, test } from 'vitest'
import type { SmarthostConfig } from '../../../relay/config.ts'
import { type Deadlines, deadlines } from '../../../relay/delivery/stage.ts'
import { makeCertificates, oddTwin } from '../../certificates.ts'
import { onTestFinished } from '../../own-test.ts'
import { drop, say, silence } from './behaviour.ts'
import { clockAhead } from './clock-ahead.ts'
import { allWithin, oneSmarthost, rig } from './rig.ts'
import { envelope, hello } from './samples.ts'
import { everything, type Options, startSmarthost } from './smarthost.ts'

type Certificate = Awaited<ReturnType<typeof makeCertificates>>
const day = 86_400_000
const daysFromNow = (days: number): Date => new Date(Date.now() + days * day)

const forAddress = await makeCertificates(['127.0.0.1'])
const forName = await makeCertificates(['localhost'])
const forOthers = await makeCertificates(['mail.other.test', '127.0.0.2'])
const expired = await makeCertificates(['127.0.0.1'], { notBefore: daysFromNow(-2), notAfter: daysFromNow(-1) })
const notYet = await makeCertificates(['127.0.0.1'], { notBefore: daysFromNow(1), notAfter: daysFromNow(2) })
const weak = await makeCertificates(['127.0.0.1'], { hash: 'SHA-1' })
const twin = await oddTwin(forAddress.ca)

const startTls = { mode: 'StartTLS', caFile: 'ca' } as const

/** The text of the reply with which the first attempt ends. */
async function replyOf(options: Options, tls: SmarthostConfig['tls'], ca: string, within: Deadlines = deadlines) {
  const { port } = await startSmarthost({ offers: [...everything, 'STARTTLS'], ...options })
  return replyFrom(port, tls, ca, within)
}

async function replyFrom(port: number, tls: SmarthostConfig['tls'], ca: string, within: Deadlines = deadlines) {
  const { attempted, attempts, spool } = rig(oneSmarthost(port, { tls }), { files: { ca }, deadlines: within })
  spool.put(envelope(hello), hello)
  await attempted(1)
  return attempts[0]?.outcome.reply.text
}

const told: readonly (readonly [name: string, served: () => Certificate, words: string])[] = [
  ['expired', () => expired, 'its certificate has expired, or one that vouches for it (CERT_HAS_EXPIRED)'],
  ['not yet valid', () => notYet, 'its certificate is not valid yet, or one that vouches for it; or the clock here is'],
  ['signed in a way that is weak', () => weak, 'CA signature digest algorithm too weak'],
  [
    'for others',
    () => forOthers,
    'its certificate is for DNS:mail.other.test, IP Address:127.0.0.2, and not for this host',
  ],
  [
    'of an unknown authority',
    () => ({ ...forAddress, ca: forName.ca }),
    'its certificate is of no authority that is trusted here: tls.caRef names its own one',
  ],
  [
    'of an authority with the same name',
    () => ({ ...forAddress, ca: twin }),
    'its signature is not by the key of the authority that it names; of two authorities with one name in tls.caRef only',
  ],
]

test.each(told)('case T18: what is wrong with a certificate is told in words: %s', async (_name, served, words) => {
  const certificate = served()
  expect(await replyOf({ certificate }, startTls, certificate.ca)).toContain(
    `TLS: no trusted TLS with 127.0.0.1: ${words}`,
  )
})

test('case T18: a smarthost that speaks in clear where TLS was to begin is told as that, with the mode that it needs', async () => {
  expect(await replyOf({ certificate: forAddress }, { ...startTls, mode: 'Implicit' }, forAddress.ca)).toContain(
    'it speaks in clear where TLS was to begin: tls.mode Implicit is for ports like 465',
  )
})

test('case T18: a smarthost that goes on in clear behind its 220 to STARTTLS is told as that, and no other mode is advised', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {}).write('220 x\r\n')
    socket.on('data', (said) => {
      // The head of a ClientHello: from here on, all that we send is read as TLS.
      if (said[0] === 0x16) socket.write('454 4.7.0 TLS not available\r\n')
      else socket.write(String(said).startsWith('EHLO') ? '250-x\r\n250 STARTTLS\r\n' : '220 go ahead\r\n')
    })
  })
  server.listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  expect(await replyFrom((server.address() as AddressInfo).port, startTls, forAddress.ca)).toBe(
    'TLS: no trusted TLS with 127.0.0.1: it goes on in clear behind its 220 to STARTTLS: its own TLS does not work, or ' +
      'somebody on the way puts text in (ERR_SSL_WRONG_VERSION_NUMBER)',
  )
})

test.each([
  ['in clear', 0, {}],
  ['under TLS', 1, { certificate: forAddress }],
] as const)('case T18: a smarthost that greets a second time, and so answers EHLO %s with 220, is told as that: not as one without STARTTLS or AUTH', async (_name, second, options) => {
  const EHLO = (time: number) => (time % 2 === second ? say('220 x again\r\n250-x\r\n250 STARTTLS') : undefined)
  expect(await replyOf({ ...options, script: { EHLO } }, startTls, forAddress.ca)).toBe('EHLO was answered 220 x again')
})

test('case T18: a smarthost that waits for TLS where STARTTLS was to come is told with the mode that it may need', async () => {
  const options = { certificate: forAddress, tlsFromStart: true }
  expect(await replyOf(options, startTls, forAddress.ca, allWithin(500))).toBe(
    'banner: no answer within 0.5 s; if it waits for TLS to begin, as at port 465, it needs tls.mode Implicit',
  )
})

test.each([
  'StartTLS',
  'Opportunistic',
  'Disabled',
] as const)('case T18: %s: a smarthost that has waited for TLS, and closes the connection before our patience ends, is told with the mode that it may need', async (mode) => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    clockAhead(10_000)
    socket.end()
  })
  server.listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  expect(await replyFrom(port, { ...startTls, mode }, forAddress.ca)).toBe(
    'banner: the connection was closed; if it waits for TLS to begin, as at port 465, it needs tls.mode Implicit',
  )
})

test.each([
  ['speaks and then stalls', say(Buffer.from('220-x\r\n')), 'banner: no answer within 0.5 s'],
  ['closes at once', drop, 'banner: the connection was closed'],
] as const)('case T18: no other mode is advised where a smarthost %s', async (_name, banner, words) => {
  expect(await replyOf({ script: { banner } }, startTls, forAddress.ca, allWithin(500))).toBe(words)
})

test.each([
  ['silent', silence, 'TLS: after the handshake: no answer within 0.5 s'],
  ['gone', drop, 'TLS: after the handshake: the connection was closed'],
] as const)('case T18: a smarthost that is %s at EHLO under TLS is told as that: the handshake was not what failed', async (_name, answer, words) => {
  const EHLO = (time: number) => (time === 1 ? answer : undefined)
  const options = { certificate: forAddress, script: { EHLO } }
  expect(await replyOf(options, startTls, forAddress.ca, allWithin(500))).toBe(words)
})

test('case T18: for how long a smarthost was silent in the handshake is told', async () => {
  const options = { script: { STARTTLS: say('220 2.0.0 ready') } }
  const words = 'TLS: no end of the handshake within 0.5 s'
  expect(await replyOf(options, startTls, forAddress.ca, allWithin(500))).toBe(words)
})

test.each([
  ['StartTLS', 'TLSv1.3', 'TLS: no TLS with it: it wants a certificate of its client'],
  ['Implicit', 'TLSv1.3', 'banner: no TLS with it: it wants a certificate of its client'],
  ['StartTLS', 'TLSv1.2', 'it knows none of our ciphers, or it wants a certificate of its client'],
] as const)('case T18: a smarthost that wants a certificate of ours is told as that: %s, %s', async (mode, maxVersion, words) => {
  const certificate = { ...forAddress, wantsOurs: true, maxVersion }
  const options = { certificate, tlsFromStart: mode === 'Implicit' }
  expect(await replyOf(options, { ...startTls, mode }, forAddress.ca)).toContain(words)
})
