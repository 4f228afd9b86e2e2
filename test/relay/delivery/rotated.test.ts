/** What a smarthost is trusted by, and logged in with, may change in the same files: what was opened before carries no more mail. */
import { expect, test } from 'vitest'
import { makeCertificates } from '../../certificates.ts'
import { until } from '../../local/until.ts'
import { type Script, say } from './behaviour.ts'
import { oneSmarthost, rig } from './rig.ts'
import { envelope, hello } from './samples.ts'
import { everything, startSmarthost } from './smarthost.ts'

const [certificate, other] = await Promise.all([makeCertificates(['127.0.0.1']), makeCertificates(['127.0.0.1'])])

async function started(script: Script = {}) {
  const upstream = await startSmarthost({ certificate, script, offers: [...everything, 'STARTTLS', 'AUTH PLAIN'] })
  const routes = oneSmarthost(upstream.port, {
    tls: { mode: 'StartTLS', caFile: 'ca' },
    auth: { usernameFile: 'user', passwordFile: 'password' },
    maxConnections: 1,
  })
  const files = { user: 'relay', password: 'first', ca: certificate.ca }
  const bench = rig(routes, { files })
  return {
    ...bench,
    upstream,
    send: () => void bench.spool.put(envelope(hello), hello),
    /** The same configuration, whose files have other contents. */
    rotate: (next: Partial<typeof files>, hostname?: string) =>
      bench.reload(routes, hostname === undefined ? {} : { hostname }, { ...files, ...next }),
    outcomes: () => bench.attempts.map(({ outcome }) => `${outcome.kind} ${outcome.reply.status}`),
    logins: () =>
      upstream.lines
        .filter((line) => line.startsWith('AUTH PLAIN '))
        .map((line) =>
          Buffer.from(line.slice('AUTH PLAIN '.length), 'base64').toString().split('\0').slice(1).join(' '),
        ),
  }
}

const delivered = 'delivered 2.0.0'
const untrusted = 'deferred 4.7.5'

test('case U22: with a new password no mail goes over a connection that logged in with the one before, and that is not said again', async () => {
  const { upstream, send, rotate, attempted, quiet, outcomes, logins } = await started()
  send()
  await attempted(1)
  await quiet()
  rotate({ password: 'second' })
  await until('the connection of before is closed', () => upstream.open() === 0)
  send()
  await attempted(2)
  rotate({ user: 'other', password: 'third' })
  send()
  await attempted(3)
  expect(outcomes()).toEqual([delivered, delivered, delivered])
  expect(logins()).toEqual(['relay first', 'relay second', 'other third'])
  expect(upstream.received.map(({ connection }) => connection)).toEqual([1, 2, 3])
})

test('case T18: when the authority of a smarthost is replaced, no mail goes over a connection that the one before vouched for', async () => {
  const { upstream, send, rotate, attempted, quiet, outcomes } = await started()
  send()
  await attempted(1)
  await quiet()
  rotate({ ca: other.ca })
  await until('the connection of before is closed', () => upstream.open() === 0)
  send()
  await attempted(2)
  expect(outcomes()).toEqual([delivered, untrusted])
  expect(upstream.times('MAIL')).toBe(1)
  expect(upstream.times('AUTH')).toBe(1)
})

test('case T18: what waits for a connection when the authority is replaced does not get the one of before, and what is on its way is finished', async () => {
  const goesOn = Promise.withResolvers<void>()
  const { upstream, send, rotate, attempted, outcomes, delivery } = await started({
    MAIL: say('250 2.1.0 ok', { after: goesOn.promise }),
  })
  send()
  await until('one is on its way', () => upstream.times('MAIL') === 1)
  send()
  rotate({ ca: other.ca })
  await attempted(1)
  expect(outcomes()).toEqual([untrusted])
  expect(delivery.summary()).toMatchObject({ inFlight: 1, deferred: 1 })
  goesOn.resolve()
  await attempted(2)
  expect(outcomes()).toEqual([untrusted, delivered])
  expect(upstream.times('MAIL')).toBe(1)
  await until('its connection is closed behind it', () => upstream.open() === 0)
})

test('a relay with a new name greets by that, and uses no connection on which it had the one before', async () => {
  const { upstream, send, rotate, attempted, quiet } = await started()
  send()
  await attempted(1)
  await quiet()
  rotate({}, 'other.example.org')
  send()
  await attempted(2)
  const greetings = upstream.lines.filter((line) => line.startsWith('EHLO '))
  expect(greetings.slice(-1)).toEqual(['EHLO other.example.org'])
  expect(upstream.received.map(({ connection }) => connection)).toEqual([1, 2])
})
