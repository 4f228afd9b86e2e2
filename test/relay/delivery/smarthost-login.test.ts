/** How the relay logs in at a smarthost, what becomes of a login that is refused, and that no login is ever shown. */
import { beforeAll, expect, test } from 'vitest'
import { makeCertificates } from '../../certificates.ts'
import { until } from '../../local/until.ts'
import { type Script, say } from './behaviour.ts'
import { oneSmarthost, rig } from './rig.ts'
import { envelope, hello, route, smarthost } from './samples.ts'
import { everything, startSmarthost } from './smarthost.ts'

let certificate: Awaited<ReturnType<typeof makeCertificates>>
beforeAll(async () => {
  certificate = await makeCertificates(['127.0.0.1'])
})

const offers = [...everything, 'STARTTLS', 'AUTH PLAIN LOGIN']
const startTls = { mode: 'StartTLS', caFile: 'ca' } as const
const login = { usernameFile: 'user', passwordFile: 'password' }
const files = { user: 'relay', password: 'pass word\n' }

test.each([
  ['fits into a command of 512 octets is sent in one line', 365, 'in one line'],
  ['does not fit into a command of 512 octets is sent behind a challenge', 366, 'behind a challenge'],
])('AUTH PLAIN with a password that %s (RFC 4954 section 4)', async (_name, length, how) => {
  const password = 'x'.repeat(length)
  const upstream = await startSmarthost({
    offers,
    certificate,
    script: {
      AUTH: (_, line) => say(line === 'AUTH PLAIN' ? '334 ' : '235 2.7.0 welcome'),
      other: (_, line) => say(`535 5.7.8 no: ${line}`),
    },
  })
  const routes = oneSmarthost(upstream.port, { tls: startTls, auth: login })
  const { attempted, spool, attempts, told } = rig(routes, { files: { user: 'relay', password, ca: certificate.ca } })
  spool.put(envelope(hello), hello)
  await attempted(1)
  const said = Buffer.from(`\0relay\0${password}`).toString('base64')
  const inOneLine = how === 'in one line'
  expect(upstream.lines.slice(3, 5)).toEqual(
    inOneLine ? [`AUTH PLAIN ${said}`, expect.stringContaining('MAIL FROM')] : ['AUTH PLAIN', said],
  )
  expect(attempts[0]?.outcome).toMatchObject(
    inOneLine ? { kind: 'delivered' } : { kind: 'deferred', reply: { text: 'AUTH was answered 535 5.7.8 no: ***' } },
  )
  expect(JSON.stringify(told)).not.toMatch(/xxxx|eHh4/)
})

test('case U22: any 2yz is a yes to a login, as to Postfix (RFC 5321 section 4.2)', async () => {
  const upstream = await startSmarthost({ offers, certificate, script: { AUTH: say('250 OK') } })
  const routes = oneSmarthost(upstream.port, { tls: startTls, auth: login })
  const { attempted, spool, attempts } = rig(routes, { files: { ...files, ca: certificate.ca } })
  spool.put(envelope(hello), hello)
  await attempted(1)
  expect(attempts.map(({ outcome }) => outcome.kind)).toEqual(['delivered'])
})

/** The replies to AUTH LOGIN, the username and the password. */
const answers = ['334 VXNlcm5hbWU6', '334 UGFzc3dvcmQ6', '235 2.7.0 welcome']

test('AUTH LOGIN is used where PLAIN is not offered', async () => {
  const upstream = await startSmarthost({
    certificate,
    offers: [...everything, 'STARTTLS', 'AUTH LOGIN'],
    script: { AUTH: () => say(answers[0] ?? ''), other: (time) => say(answers[time + 1] ?? '') },
  })
  const routes = oneSmarthost(upstream.port, { tls: startTls, auth: login })
  const { attempted, spool, attempts } = rig(routes, { files: { ...files, ca: certificate.ca } })
  spool.put(envelope(hello), hello)
  await attempted(1)
  expect(attempts[0]?.outcome.kind).toBe('delivered')
  const said = [Buffer.from('relay'), Buffer.from('pass word')].map((b) => b.toString('base64'))
  expect(upstream.lines.slice(3, 6)).toEqual(['AUTH LOGIN', ...said])
})

test('AUTH LOGIN is used where PLAIN is offered beside it, and then answered 504 (RFC 4954 section 4)', async () => {
  const script: Script = {
    AUTH: (_, line) =>
      say(line.startsWith('AUTH PLAIN') ? '504 5.5.4 Unrecognized authentication type' : (answers[0] ?? '')),
    other: (time) => say(answers[time + 1] ?? ''),
  }
  const upstream = await startSmarthost({ offers, certificate, script })
  const routes = oneSmarthost(upstream.port, { tls: startTls, auth: login })
  const { attempted, spool, attempts } = rig(routes, { files: { ...files, ca: certificate.ca } })
  spool.put(envelope(hello), hello)
  await attempted(1)
  expect(attempts.map(({ outcome }) => outcome.kind)).toEqual(['delivered'])
})

test('case U22: where every mechanism is answered 504 mail is deferred as for a refused login, which is told', async () => {
  const script: Script = { AUTH: say('504 5.5.4 Unrecognized authentication type') }
  const upstream = await startSmarthost({ offers, certificate, script })
  const routes = oneSmarthost(upstream.port, { tls: startTls, auth: login })
  const { attempted, spool, attempts } = rig(routes, { files: { ...files, ca: certificate.ca } })
  spool.put(envelope(hello), hello)
  await attempted(1)
  const text = 'AUTH was answered 504 5.5.4 Unrecognized authentication type'
  expect(attempts[0]?.outcome).toMatchObject({ kind: 'deferred', scope: 'nextHop', reply: { status: '4.7.8', text } })
  expect([upstream.times('AUTH'), upstream.connections()]).toEqual([2, 1])
})

test('case U22: after a refused login mail is deferred, no other login is tried for a minute, and no secret is shown', async () => {
  const echo = Buffer.from('\0relay\0pass word').toString('base64')
  const upstream = await startSmarthost({
    offers,
    certificate,
    script: { AUTH: say(`535 5.7.8 no: ${echo} pass word`) },
  })
  const { attempted, attempts, spool, delivery, told } = rig(
    oneSmarthost(upstream.port, { tls: startTls, auth: login }),
    {
      files: { ...files, ca: certificate.ca },
    },
  )
  for (let i = 0; i < 20; i++) spool.put(envelope(hello), hello)
  await attempted(1)
  expect(attempts[0]?.outcome).toMatchObject({ kind: 'deferred', scope: 'nextHop', reply: { status: '4.7.8' } })
  expect(delivery.smarthosts()).toMatchObject([
    {
      route: 'default',
      name: 'a',
      health: 'ejected',
      ejectedUntil: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      lastReply: { code: 451, status: '4.7.8', text: expect.stringContaining('535') },
    },
  ])
  expect(upstream.times('AUTH')).toBe(1)
  expect(delivery.summary()).toMatchObject({ ready: 19, deferred: 1, inFlight: 0 })
  const everythingTold = JSON.stringify(told)
  expect(everythingTold).not.toContain('pass word')
  expect(everythingTold).not.toContain(echo)
})

test.each([
  ['beyond ASCII', 'pässwört', (password: string) => `535 5.7.8 no ${password}`],
  ['that is a piece of our login in base64', 'AHJ', (_: string, said: string) => `535 5.7.8 no ${said}`],
  [
    'in our login in base64 without its end',
    'pass word',
    (_: string, said: string) => `535 5.7.8 no ${said.slice(0, -3)}`,
  ],
  ['in our login as it was sent, which is no reply,', 'pass word', (_: string, said: string) => `AUTH PLAIN ${said}`],
  [
    'of which a part would be quoted from what is no reply',
    'pass_ss.word',
    (password: string) => `AUTH PLAIN ***${'.'.repeat(80)}${password}`,
  ],
  ['beyond ASCII in what is no reply,', 'pässwört', (password: string) => `AUTH PLAIN ${password}`],
] as const)('a password %s is not shown, where the smarthost repeats it in its reply to AUTH (case A17)', async (_name, password, answer) => {
  const said = Buffer.from(`\0relay\0${password}`).toString('base64')
  const AUTH = say(answer(password, said))
  const upstream = await startSmarthost({ offers, certificate, script: { AUTH } })
  const routes = oneSmarthost(upstream.port, { tls: startTls, auth: login })
  const { attempted, spool, attempts, told } = rig(routes, { files: { user: 'relay', password, ca: certificate.ca } })
  spool.put(envelope(hello), hello)
  await attempted(1)
  expect(attempts[0]?.outcome.reply.text).toMatch(
    /^AUTH(?: was answered 535 5\.7\.8 no|: no SMTP reply: "AUTH PLAIN) \*\*\*/,
  )
  // In base64 behind its first octets, which the password may mask, our login goes on with lbGF5.
  expect(JSON.stringify(told)).not.toMatch(/p\?\?ssw|pass_|lbGF5/)
})

test.each([
  ['MAIL', (text: string) => say(`550 5.7.1 no ${text}`)],
  ['RCPT', (text: string) => say(`451 4.3.0 no ${text}`)],
  ['DATA', (text: string) => say(`554-5.7.1 no ${text}\r\n554 5.7.1 bye`)],
  ['dot', (text: string) => say(`250 2.0.0 queued for ${text}`)],
  ['dot', (text: string) => say(`queued for ${text}`)],
] as const)('a login that the smarthost repeats in its reply to %s is not shown (case A17)', async (stage, answer) => {
  const password = 'correct horse'
  const said = Buffer.from(`\0relay\0${password}`).toString('base64')
  const script = { [stage]: answer(`${password} ${said}`) }
  const upstream = await startSmarthost({ offers, certificate, script })
  const routes = oneSmarthost(upstream.port, { tls: startTls, auth: login })
  const rigged = rig(routes, { files: { user: 'relay', password, ca: certificate.ca } })
  rigged.spool.put(envelope(hello), hello)
  await rigged.attempted(1)
  await rigged.quiet()
  expect(rigged.attempts[0]?.outcome.reply.text).toContain('*** ***')
  const reports = [...rigged.spool.stored.values()].map(
    ({ content, recipients }) => `${content}${JSON.stringify(recipients)}`,
  )
  expect(JSON.stringify([rigged.told, reports])).not.toMatch(/correct horse|AHJlbGF5/)
})

test('a corrected password is used at once', async () => {
  const upstream = await startSmarthost({
    offers,
    certificate,
    script: { AUTH: (time) => (time === 0 ? say('535 5.7.8 no') : undefined) },
  })
  const routes = oneSmarthost(upstream.port, { tls: startTls, auth: login })
  const { attempted, attempts, spool, reload } = rig(routes, { files: { ...files, ca: certificate.ca, other: 'new' } })
  spool.put(envelope(hello), hello)
  await attempted(1)
  spool.put(envelope(hello), hello)
  reload(oneSmarthost(upstream.port, { tls: startTls, auth: { ...login, passwordFile: 'other' } }))
  await attempted(2)
  expect(attempts.map((a) => a.outcome.kind)).toEqual(['deferred', 'delivered'])
})

test('case U22: routes that go to one smarthost with one login try a refused password once between them', async () => {
  const upstream = await startSmarthost({ offers, certificate, script: { AUTH: say('535 5.7.8 no') } })
  const hosts = [smarthost('a', upstream.port, { tls: startTls, auth: login })]
  const apart = ['b.test', 'c.test'].map((domain) =>
    route(domain, hosts, { match: { senderDomains: [], recipientDomains: [domain] } }),
  )
  const { spool, quiet, delivery } = rig([...apart, route('a', hosts)], { files: { ...files, ca: certificate.ca } })
  for (const domain of ['a.test', 'b.test', 'c.test'])
    spool.put(envelope(hello, { forwardPaths: [`x@${domain}`] }), hello)
  await until('all routes leave it out', () => delivery.smarthosts().every(({ health }) => health === 'ejected'))
  await quiet()
  expect(upstream.times('AUTH')).toBe(1)
})
