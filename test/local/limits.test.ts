/** A credential's limits show in replies to real clients, in statuses and in metrics, and hold though the relay is killed. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { nodemailer } from './client.ts'
import { credential, plainReceiver, routeTo, smallFleet } from './documents.ts'
import type { Fleet } from './fleet.ts'
import { freePort } from './free-port.ts'
import { inQueue } from './in-queue.ts'
import { message } from './message.ts'
import { type SmtpReply, SmtpSession } from './smtp-session.ts'
import { openStage, type Stage } from './stage.ts'
import { until } from './until.ts'

const from = 'app@corp.test'
let stage: Stage
let fleet: Fleet
beforeAll(async () => {
  stage = openStage()
  const nobody = await freePort()
  const documents = await smallFleet({ routes: [routeTo(plainReceiver(nobody))] })
  const more = [
    credential('daily', { limits: { daily: 40, warnAt: 50 } }),
    credential('rate', { limits: { rate: { count: 5, per: '1h' } } }),
    credential('killed', { limits: { daily: 200 } }),
  ]
  fleet = await stage.fleet([...documents, ...more])
})
afterAll(() => stage.close())

/** Submits one message, and returns the reply that decided. */
async function send(session: SmtpSession, recipients = 1): Promise<SmtpReply> {
  const mail = await session.command(`MAIL FROM:<${from}>`)
  if (mail.code !== 250) return mail
  for (let i = 0; i < recipients; i++) {
    const rcpt = await session.command(`RCPT TO:<to-${i}@elsewhere.test>`)
    if (rcpt.code !== 250) return rcpt
  }
  const data = await session.command('DATA')
  if (data.code !== 354) {
    await session.command('RSET')
    return data
  }
  session.write(`From: <${from}>\r\n\r\nhi\r\n.\r\n`)
  return session.reply()
}

async function sendAll(name: string, messages: number, recipients = 1): Promise<readonly SmtpReply[]> {
  const session = await SmtpSession.open(fleet.binding(name))
  const replies: SmtpReply[] = []
  for (let i = 0; i < messages; i++) replies.push(await send(session, recipients))
  session.close()
  return replies
}

const accepted = (replies: readonly SmtpReply[]): number => replies.filter(({ code }) => code === 250).length

type Status = { readonly usage?: Readonly<Record<string, unknown>> }
const statusOf = (name: string): Status | undefined =>
  (parse(readFileSync(join(fleet.folder, 'state/status.yaml'), 'utf8')) as Record<string, Status>)[
    `RelayCredential mail/${name}`
  ]

test('what exceeds a rate limit is refused with 450 and a time to come back, and is not queued (case A19)', async () => {
  const before = inQueue(await fleet.status())
  const replies = await sendAll('rate', 8)
  expect(replies.map(({ code }) => code)).toEqual([250, 250, 250, 250, 250, 450, 450, 450])
  expect(replies[5]?.text).toMatch(
    /^4\.7\.1 at most 5 recipients per 60 min; come back in \d+ min \(credential\.limits\.rate\)$/,
  )
  expect(inQueue(await fleet.status()) - before).toBe(5)
  expect(await fleet.metric(/^relayfleet_throttled_total\{.*throttle="credential\.limits\.rate"/)).toBe(3)
})

test('nodemailer understands the refusal by a rate limit as a deferral', async () => {
  const mail = { from, to: ['a@elsewhere.test', 'b@elsewhere.test'], raw: message({ from }) }
  expect(await nodemailer(fleet.binding('rate'), mail)).toMatchObject({ code: 450 })
})

test('when a daily limit is used up, the reply, the status, the condition and the metric say so', async () => {
  expect(accepted(await sendAll('daily', 11, 2))).toBe(11)
  await until('the status says that the day is being used up', () => statusOf('daily')?.usage?.['today'] === 22)
  expect(fleet.condition('RelayCredential mail/daily', 'QuotaApproaching')).toMatchObject({
    status: 'True',
    reason: 'QuotaApproaching',
  })
  expect(fleet.condition('RelayCredential mail/daily', 'Ready')).toMatchObject({ status: 'True' })
  const replies = await sendAll('daily', 10, 2)
  expect(accepted(replies)).toBe(9)
  expect(replies.at(-1)).toMatchObject({
    code: 450,
    text: expect.stringMatching(
      /^4\.7\.1 at most 40 recipients a day, none left; come back in \d+ (s|min|h), at 00:00 UTC/,
    ),
  })
  await until('the status says that the day is used up', () => statusOf('daily')?.usage?.['remaining'] === 0)
  expect(statusOf('daily')?.usage).toMatchObject({
    today: 40,
    lastRefusal: { rule: 'credential.limits.daily', code: 450 },
  })
  expect(fleet.condition('RelayCredential mail/daily', 'QuotaApproaching')?.reason).toBe('QuotaUsedUp')
  expect(await fleet.metric(/^relayfleet_quota_used_ratio\{.*credential="mail\/daily"/)).toBe(1)
  expect(fleet.log()).toContain('most recipients of the day are used')
})

test('a relay that is killed again and again gives a daily limit out only once', async () => {
  let given = 0
  for (let round = 0; round < 4; round++) {
    const session = await SmtpSession.open(fleet.binding('killed'))
    const pid = fleet.pid()
    for (let i = 0; i < 37; i++) given += (await send(session)).code === 250 ? 1 : 0
    process.kill(pid, 'SIGKILL')
    session.close()
    await until('another relay is there', () => fleet.pid() !== pid && fleet.programmed().then(() => true))
  }
  expect(given).toBe(4 * 37)
  given += accepted(await sendAll('killed', 80))
  // Each kill may waste a hundredth of the daily limit, which is two recipients here.
  expect(given).toBeGreaterThanOrEqual(200 - 4 * 2)
  expect(given).toBeLessThanOrEqual(200)
})
