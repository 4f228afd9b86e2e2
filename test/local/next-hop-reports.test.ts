/** Postfix as a next hop, which has the DSN extension: it is told what the client asks, and makes the report of success itself. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Mail, nodemailer } from './client.ts'
import { plainReceiver, routeTo, smallFleet } from './documents.ts'
import type { Fleet } from './fleet.ts'
import { freePort } from './free-port.ts'
import { inQueue } from './in-queue.ts'
import { message } from './message.ts'
import { type Postfix, startPostfixInstance } from './postfix.ts'
import { installed } from './programs.ts'
import { readReport } from './read-report.ts'
import type { Receiver } from './receiver.ts'
import { openStage, type Stage } from './stage.ts'
import { until } from './until.ts'

const from = 'app@corp.test'

describe.runIf(installed('aiosmtpd', 'postfix'))('a next hop that makes reports', () => {
  let stage: Stage
  let receiver: Receiver
  let postfix: Postfix
  let fleet: Fleet
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-postfix-'))

  beforeAll(async () => {
    stage = openStage()
    receiver = await stage.receiver()
    const port = await freePort()
    // Postfix's own users have to be able to enter it.
    chmodSync(folder, 0o755)
    postfix = await startPostfixInstance({
      folder,
      port,
      parameters: {
        myhostname: 'postfix.test',
        mynetworks: '127.0.0.0/8',
        smtpd_relay_restrictions: 'permit_mynetworks reject',
        smtpd_recipient_restrictions: '',
        relayhost: `[127.0.0.1]:${receiver.port}`,
        smtp_tls_security_level: 'none',
      },
    })
    fleet = await stage.fleet(await smallFleet({ routes: [routeTo(plainReceiver(port))] }))
  })
  afterAll(async () => {
    await postfix.stop()
    await stage.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('gets the names that the client gave, and reports by them what becomes of the message (case U21, RFC 3461 section 5.2.1)', async () => {
    const dsn = {
      id: 'order 4+2',
      return: 'headers',
      notify: ['success', 'failure'],
      recipient: 'customer@x.test',
    } satisfies Mail['dsn']
    const raw = message({ from, id: 'reported@corp.test' })
    const to = 'someone@elsewhere.test'
    expect(await nodemailer(fleet.binding('app'), { from, to, raw, dsn })).toMatchObject({ code: 250 })
    const report = await until('Postfix reports', () => receiver.arrivals().find((a) => a.reversePath === ''))
    expect(report.forwardPaths).toEqual([from])
    expect(readReport(report).blocks).toEqual([
      expect.objectContaining({
        'Original-Envelope-Id': 'order 4+2',
        'Reporting-MTA': expect.stringContaining('postfix.test'),
      }),
      expect.objectContaining({
        'Original-Recipient': expect.stringMatching(/^rfc822; ?customer@x\.test$/),
        'Final-Recipient': expect.stringMatching(/^rfc822; ?someone@elsewhere\.test$/),
        Action: 'relayed',
      }),
    ])
    await until('the queue is empty', async () => inQueue(await fleet.status()) === 0)
    const arrived = receiver.arrivals().map(({ reversePath, forwardPaths }) => [reversePath, ...forwardPaths])
    expect(arrived.toSorted()).toEqual([
      ['', from],
      [from, to],
    ])
  })
})
