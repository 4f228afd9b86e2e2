/** What becomes of a message after its 250: it waits, is tried again, is given up with a DSN, is captured or redirected. */
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Mail, nodemailer } from './client.ts'
import { plainReceiver, routeTo, smallFleet } from './documents.ts'
import type { Fleet } from './fleet.ts'
import { inQueue } from './in-queue.ts'
import { message } from './message.ts'
import { installed } from './programs.ts'
import { readReport } from './read-report.ts'
import { type Arrival, bytesOf, type Receiver } from './receiver.ts'
import { openStage, type Stage } from './stage.ts'
import { until } from './until.ts'

const from = 'app@corp.test'

/** Submits with a new Message-ID, which it returns. */
async function submit(fleet: Fleet, to: string | readonly string[], asks: Pick<Mail, 'dsn'> = {}): Promise<string> {
  const id = `${randomUUID()}@corp.test`
  const answer = await nodemailer(fleet.binding('app'), { from, to, raw: message({ from, id }), ...asks })
  expect(answer).toMatchObject({ code: 250 })
  return id
}
/** The messages that the fleet has captured in its inbox. */
function captured(fleet: Fleet): readonly string[] {
  const inbox = join(fleet.folder, 'state/mail/fleets/shared/inbox')
  const files = readdirSync(inbox, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.eml'))
  return files.map((f) => readFileSync(join(inbox, f), 'latin1'))
}
const emptied = (fleet: Fleet): Promise<true | undefined> =>
  until('the queue is empty', async () => (inQueue(await fleet.status()) === 0 ? true : undefined))

describe.runIf(installed('aiosmtpd'))('delivery', () => {
  let stage: Stage
  beforeAll(() => {
    stage = openStage()
  })
  afterAll(() => stage.close())

  describe('in Production', () => {
    let receiver: Receiver
    let fleet: Fleet
    beforeAll(async () => {
      receiver = await stage.receiver()
      fleet = await stage.fleet(await smallFleet({ routes: [routeTo(plainReceiver(receiver.port))] }))
    })
    const copies = (id: string): readonly Arrival[] =>
      receiver.arrivals().filter((a) => a.reversePath !== '' && bytesOf(a).includes(`Message-ID: <${id}>`))
    const reports = (id: string): readonly Arrival[] =>
      receiver.arrivals().filter((a) => a.reversePath === '' && bytesOf(a).includes(`<${id}>`))

    test('a message waits while the smarthost is down, and arrives once when it is up again', async () => {
      await receiver.stop()
      const id = await submit(fleet, 'someone@elsewhere.test')
      await until('the message is deferred', async () => (await fleet.status()).queue.deferred === 1)
      await receiver.start()
      await until('the message arrives', () => copies(id).length > 0)
      await emptied(fleet)
      expect(copies(id)).toHaveLength(1)
    })

    test('a recipient that the smarthost refuses for good is reported to the reverse-path in one DSN', async () => {
      const id = await submit(fleet, '550.nobody@elsewhere.test')
      const report = await until('the DSN arrives', () => reports(id)[0])
      await emptied(fleet)
      expect(report).toMatchObject({ reversePath: '', forwardPaths: [from] })
      const read = readReport(report)
      expect(read).toMatchObject({
        defects: [],
        type: 'multipart/report',
        reportType: 'delivery-status',
        to: expect.stringContaining(from),
        autoSubmitted: expect.stringMatching(/^auto-replied/),
      })
      expect(read.parts.slice(0, 2)).toEqual(['text/plain', 'message/delivery-status'])
      expect(read.blocks[0]).toMatchObject({ 'Reporting-MTA': expect.stringContaining('relay.test.example') })
      expect(read.blocks.slice(1)).toEqual([
        expect.objectContaining({
          'Final-Recipient': expect.stringMatching(/^rfc822; ?550\.nobody@elsewhere\.test$/),
          Action: 'failed',
          Status: '5.1.1',
          'Diagnostic-Code': expect.stringContaining('550 5.1.1 no such mailbox'),
        }),
      ])
      expect(read.returned).toContain(`Message-ID: <${id}>`)
      expect(copies(id)).toEqual([])
      expect(reports(id)).toHaveLength(1)
    })

    test('a recipient that the smarthost defers is tried again, and then gets the message, without a DSN', async () => {
      const id = await submit(fleet, `451once.${randomUUID()}@elsewhere.test`)
      await until('the message arrives', () => copies(id).length > 0)
      await emptied(fleet)
      expect(copies(id)).toHaveLength(1)
      expect(reports(id)).toEqual([])
    })

    test('of one message, each recipient is delivered, deferred or bounced on its own (case U05)', async () => {
      const busy = `451once.${randomUUID()}@elsewhere.test`
      const id = await submit(fleet, ['someone@elsewhere.test', '550.nobody@elsewhere.test', busy])
      await emptied(fleet)
      expect(copies(id).map((a) => a.forwardPaths)).toEqual([['someone@elsewhere.test'], [busy]])
      expect(
        reports(id).map((r) =>
          readReport(r)
            .blocks.slice(1)
            .map((b) => b['Final-Recipient']),
        ),
      ).toEqual([[expect.stringContaining('550.nobody@elsewhere.test')]])
    })

    test('a client that asks for a report of success gets one, by the names that it gave (RFC 3461), once', async () => {
      const dsn = { id: 'order 4+2', notify: ['success', 'failure'], recipient: 'customer@elsewhere.test' } as const
      const id = await submit(fleet, 'someone@elsewhere.test', { dsn: { ...dsn, notify: [...dsn.notify] } })
      const report = await until('the report arrives', () => reports(id)[0])
      await emptied(fleet)
      expect(report).toMatchObject({ reversePath: '', forwardPaths: [from] })
      const { blocks, defects } = readReport(report)
      expect(defects).toEqual([])
      expect(blocks).toEqual([
        expect.objectContaining({ 'Original-Envelope-Id': 'order 4+2' }),
        expect.objectContaining({
          'Original-Recipient': expect.stringMatching(/^rfc822; ?customer@elsewhere\.test$/),
          'Final-Recipient': expect.stringMatching(/^rfc822; ?someone@elsewhere\.test$/),
          Action: 'relayed',
        }),
      ])
      expect([copies(id), reports(id)].map(({ length }) => length)).toEqual([1, 1])
    })

    test('a client that asks for no report gets none, and one that asks for all of a message gets it back', async () => {
      const silent = await submit(fleet, '550.nobody@elsewhere.test', { dsn: { notify: ['never'] } })
      const whole = await submit(fleet, '550.nobody@elsewhere.test', { dsn: { return: 'full', notify: ['failure'] } })
      const report = await until('the report arrives', () => reports(whole)[0])
      await emptied(fleet)
      expect(readReport(report).parts).toContain('message/rfc822')
      expect(reports(silent)).toEqual([])
    })

    test('a refusal by the smarthost after the final dot is reported in a DSN, too (case U12)', async () => {
      const id = await submit(fleet, '552dot.big@elsewhere.test')
      const report = await until('the DSN arrives', () => reports(id)[0])
      expect(readReport(report).blocks[1]).toMatchObject({ Action: 'failed', Status: '5.3.4' })
    })
  })

  test.each([
    { mode: 'Redirect', redirectTo: '550.qa@elsewhere.test' },
    { mode: 'AllowList', allow: { addresses: ['550.qa@elsewhere.test'] } },
  ])('a DSN of a NonProduction fleet is captured if mail may not go to its recipient: $mode', async (recipients) => {
    const receiver = await stage.receiver()
    const routes = [routeTo(plainReceiver(receiver.port))]
    const fleet = await stage.fleet(await smallFleet({ routes, recipients }, 'NonProduction'))
    const id = await submit(fleet, '550.qa@elsewhere.test')
    await emptied(fleet)
    expect(receiver.arrivals()).toEqual([])
    const [report, ...more] = captured(fleet)
    expect(more).toEqual([])
    expect(report).toContain(`To: ${from}\r\n`)
    expect(report).toContain(`Message-ID: <${id}>`)
  })

  test('captured mail goes to the inbox, and never to the smarthost', async () => {
    const receiver = await stage.receiver()
    const routes = [routeTo(plainReceiver(receiver.port))]
    const fleet = await stage.fleet(await smallFleet({ routes }, 'NonProduction'))
    const id = await submit(fleet, 'someone@elsewhere.test')
    await emptied(fleet)
    expect(captured(fleet)).toEqual([expect.stringContaining(`Message-ID: <${id}>`)])
    expect(await fleet.metric(/^relayfleet_delivery_captured_total/)).toBe(1)
    expect(await fleet.metric(/^relayfleet_delivery_attempts_total/)).toBe(0)
    expect(receiver.arrivals()).toEqual([])
  })

  test('redirected mail goes to the address in redirectTo, and to none of its recipients', async () => {
    const receiver = await stage.receiver()
    const routes = [routeTo(plainReceiver(receiver.port))]
    const recipients = { mode: 'Redirect', redirectTo: 'qa@corp.test' }
    const fleet = await stage.fleet(await smallFleet({ routes, recipients }, 'NonProduction'))
    await submit(fleet, ['someone@elsewhere.test', 'other@elsewhere.test'])
    await emptied(fleet)
    expect(receiver.arrivals().map((a) => a.forwardPaths)).toEqual([['qa@corp.test']])
  })
})
