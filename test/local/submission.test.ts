/** Submission to a running fleet: closed to whoever may not, byte for byte for whoever may, with clients that are not ours. */
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeCertificates } from '../certificates.ts'
import { msmtp, nodemailer, swaks } from './client.ts'
import { configMap, plainReceiver, routeTo, secret, smallFleet } from './documents.ts'
import type { Binding, Fleet } from './fleet.ts'
import { inQueue } from './in-queue.ts'
import { message } from './message.ts'
import { installed } from './programs.ts'
import { type Arrival, bytesOf, type Receiver } from './receiver.ts'
import { SmtpSession } from './smtp-session.ts'
import { openStage, type Stage } from './stage.ts'
import { until } from './until.ts'

const from = 'app@corp.test'

/** Waits until the message with this Message-ID arrives. */
const arrivalOf = (receiver: Receiver, id: string): Promise<Arrival> =>
  until(`${id} arrives`, () => receiver.arrivals().find((a) => bytesOf(a).includes(`Message-ID: <${id}>`)))

describe.runIf(installed('aiosmtpd', 'swaks', 'msmtp'))('submission', () => {
  let stage: Stage
  let receiver: Receiver
  let fleet: Fleet
  let app: Binding
  beforeAll(async () => {
    stage = openStage()
    receiver = await stage.receiver()
    fleet = await stage.fleet(await smallFleet({ routes: [routeTo(plainReceiver(receiver.port))] }))
    app = fleet.binding('app')
  })
  afterAll(() => stage.close())

  const inTls = async (): Promise<SmtpSession> => {
    const session = await SmtpSession.connect(app)
    await session.expect(session.command('EHLO client.test'), 250)
    await session.startTls(app)
    return session
  }

  test('without AUTH nobody sends (case A01)', async () => {
    const session = await inTls()
    expect(await session.command(`MAIL FROM:<${from}>`)).toEqual({
      code: 530,
      text: expect.stringMatching(/^5\.7\.0 .*\(always\.authentication\)$/),
    })
    session.close()
  })

  test('before TLS there is neither AUTH nor MAIL (case A02)', async () => {
    const session = await SmtpSession.connect(app)
    const { text } = await session.command('EHLO client.test')
    expect(text).toMatch(/^STARTTLS$/m)
    expect(text).not.toMatch(/^AUTH/m)
    expect(await session.command(`MAIL FROM:<${from}>`)).toMatchObject({
      code: 530,
      text: expect.stringMatching(/\(always\.tls\)$/),
    })
    expect(await session.login(app.login)).toMatchObject({
      code: 538,
      text: expect.stringMatching(/\(always\.tlsBeforeAuth\)$/),
    })
    session.close()
  })

  test('a wrong password is refused and counted', async () => {
    const failures = () => fleet.metric(/^relayfleet_smtpd_auth_total\{.*result="failure".*reason="password"/)
    const before = await failures()
    const session = await inTls()
    expect(await session.login({ ...app.login, password: 'wrong' })).toMatchObject({
      code: 535,
      text: expect.stringMatching(/^5\.7\.8 .*\(always\.password\)$/),
    })
    session.close()
    expect(await failures()).toBe(before + 1)
  })

  const encoded = `=?utf-8?b?${Buffer.from('ceo@bank.test').toString('base64')}?=`
  const ceo = 'ceo@bank.test'
  const refused = [
    ["a reverse-path that is another one's (case M01)", ceo, message({ from }), 550, 'senderRules.envelopeFrom'],
    ["a From field that is another one's (case M02)", from, message({ from: ceo }), 550, 'senderRules.headerFrom'],
    ['two From fields (case M04)', from, `From: <${ceo}>\r\n${message({ from })}`, 554, 'always.headers'],
    ['two mailboxes in From (case M09)', from, message({ from: `<${from}>, <${ceo}>` }), 554, 'always.headers'],
    ['no From field (case M03)', from, 'Subject: who\r\n\r\nnobody\r\n', 554, 'always.headers'],
    [
      'an address as the display name',
      from,
      message({ from: `"${ceo}" <${from}>` }),
      550,
      'senderRules.headerFrom.displayNameAddress',
    ],
    [
      'an encoded address as the display name',
      from,
      message({ from: `${encoded} <${from}>` }),
      550,
      'senderRules.headerFrom.displayNameAddress',
    ],
  ] as const

  describe.each([
    ['nodemailer', nodemailer],
    ['swaks', swaks],
    ['msmtp', msmtp],
  ])('a client of %s', (_client, submit) => {
    test.each(
      refused,
    )('a message with %s is refused, and nothing of it is queued', async (_what, reversePath, raw, code, rule) => {
      const arrived = receiver.arrivals().length
      const answer = await submit(app, { from: reversePath, to: 'someone@elsewhere.test', raw })
      expect(answer).toEqual({ code, text: expect.stringContaining(`(${rule})`) })
      expect(inQueue(await fleet.status())).toBe(0)
      expect(receiver.arrivals().length).toBe(arrived)
    })

    test('an allowed message is accepted, and the receiver has the same octets below our Received field', async () => {
      const id = `${randomUUID()}@corp.test`
      const raw = message({ from: `App <${from}>`, id, text: '.a dot\r\n..two\r\n.\r\nlast line\r\n' })
      expect(await submit(app, { from, to: 'someone@elsewhere.test', raw })).toMatchObject({ code: 250 })
      const arrival = await arrivalOf(receiver, id)
      expect(arrival).toMatchObject({ reversePath: from, forwardPaths: ['someone@elsewhere.test'] })
      const bytes = bytesOf(arrival)
      expect(bytes.endsWith(raw)).toBe(true)
      const ours = bytes.slice(0, -raw.length)
      expect(ours).toMatch(/^Received: from \S+ [\s\S]*by relay\.test\.example[\s\S]*with ESMTPSA[\s\S]*\r\n$/)
      expect(ours.match(/^\S/gm)).toHaveLength(1)
    })
  })
})

describe.runIf(installed('aiosmtpd'))('a smarthost with TLS and a login', () => {
  let stage: Stage
  beforeAll(() => {
    stage = openStage()
  })
  afterAll(() => stage.close())

  const login = { username: 'up', password: 'a-password-of-the-smarthost' }
  const receiverIn = async (): Promise<{ receiver: Receiver; ca: string }> => {
    const { ca, cert, key } = await makeCertificates(['127.0.0.1'])
    const tls = { cert: join(stage.folder, 'receiver.crt'), key: join(stage.folder, 'receiver.key') }
    writeFileSync(tls.cert, cert)
    writeFileSync(tls.key, key)
    return { receiver: await stage.receiver({ tls, login }), ca }
  }
  const fleetWith = async (port: number, ca: string): Promise<Fleet> => {
    const tls = { mode: 'StartTLS', caRef: { name: 'upstream-ca' } }
    const smarthost = { name: 'upstream', host: '127.0.0.1', port, tls, authRef: { name: 'upstream' } }
    return stage.fleet([
      ...(await smallFleet({ routes: [routeTo(smarthost)] })),
      secret('upstream', login),
      configMap('upstream-ca', { 'ca.crt': ca }),
    ])
  }

  test('gets the mail over verified TLS, after a login', async () => {
    const { receiver, ca } = await receiverIn()
    const fleet = await fleetWith(receiver.port, ca)
    const id = `${randomUUID()}@corp.test`
    const raw = message({ from, id })
    expect(await nodemailer(fleet.binding('app'), { from, to: 'x@y.test', raw })).toMatchObject({ code: 250 })
    expect(await arrivalOf(receiver, id)).toMatchObject({ tls: true, login: 'up' })
    await until('the delivery is logged', () => fleet.log().includes('"msg":"delivery attempted"'))
    expect(fleet.log()).not.toContain(login.password)
  })

  test('gets no mail when its certificate is of no authority that the route trusts (case T18)', async () => {
    const { receiver } = await receiverIn()
    const { ca: another } = await makeCertificates(['127.0.0.1'])
    const fleet = await fleetWith(receiver.port, another)
    const raw = message({ from })
    expect(await nodemailer(fleet.binding('app'), { from, to: 'x@y.test', raw })).toMatchObject({ code: 250 })
    await until('the message is deferred', async () => (await fleet.status()).queue.deferred === 1)
    await until('the log says why', () => fleet.log().includes('"status":"4.7.5"'))
    expect((await fleet.status()).smarthosts).toMatchObject([{ health: 'ejected', lastReply: { status: '4.7.5' } }])
    expect(receiver.arrivals()).toEqual([])
  })
})
