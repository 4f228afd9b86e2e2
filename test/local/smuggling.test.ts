/** No second message can be smuggled in a first one, not even to receivers that take other line ends than CR LF (cases P01, P05, P07). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plainReceiver, routeTo, smallFleet } from './documents.ts'
import type { Fleet } from './fleet.ts'
import { freePort } from './free-port.ts'
import { type GullibleReceiver, startGullibleReceiver } from './gullible-receiver.ts'
import { inQueue } from './in-queue.ts'
import { installed } from './programs.ts'
import type { Receiver } from './receiver.ts'
import type { Access } from './smtp-session.ts'
import { SmtpSession } from './smtp-session.ts'
import { openStage, type Stage } from './stage.ts'
import { until } from './until.ts'

const smuggled = 'MAIL FROM:<evil@x.test>\r\nRCPT TO:<victim@y.test>\r\nDATA\r\nFrom: <evil@x.test>\r\n\r\nspoof\r\n'
/** The would-be ends of a content that stand before the commands that are to be smuggled. */
const ends = {
  'LF . LF': '\n.\n',
  'LF . CR LF': '\n.\r\n',
  'CR . CR': '\r.\r',
  'CR LF . LF': '\r\n.\n',
  'CR LF . CR': '\r\n.\r',
  'LF . CR': '\n.\r',
  'CR . LF': '\r.\n',
  'CR . CR LF': '\r.\r\n',
  'CR LF . CR CR LF': '\r\n.\r\r\n',
  'LF .. CR LF': '\n..\r\n',
  'LF .. LF': '\n..\n',
  'CR LF .. LF': '\r\n..\n',
  'CR LF NUL . CR LF': '\r\n\0.\r\n',
} as const
const names = Object.keys(ends) as (keyof typeof ends)[]
const contentWith = (end: string): Buffer =>
  Buffer.from(`From: <app@corp.test>\r\nTo: <someone@y.test>\r\n\r\nhello${end}${smuggled}`, 'latin1')
const envelope = { reversePath: 'app@corp.test', forwardPaths: ['someone@y.test'] }

async function submit(access: Access, end: string): Promise<number> {
  const session = await SmtpSession.open(access)
  const { code } = await session.submit({ ...envelope, content: contentWith(end) })
  session.close()
  return code
}
const plain = (port: number): Access => ({ host: '127.0.0.1', port, tls: 'None' })

describe.runIf(installed('aiosmtpd'))('smuggling', () => {
  let stage: Stage
  let gullible: GullibleReceiver
  let foreign: Receiver
  beforeAll(async () => {
    stage = openStage()
    gullible = await startGullibleReceiver()
    foreign = await stage.receiver()
  })
  afterAll(async () => {
    gullible.stop()
    await stage.close()
  })

  test('without a relay before it, the gullible receiver takes the smuggled messages', async () => {
    for (const name of ['LF . LF', 'LF . CR LF', 'CR . CR', 'CR LF . LF'] as const)
      await submit(plain(gullible.port), ends[name])
    expect(gullible.mails.splice(0).filter((m) => m.reversePath === 'evil@x.test')).toHaveLength(4)
  })

  describe.each([
    ['Reject', 550],
    ['Normalise', 250],
  ] as const)('a listener with bareNewlines %s', (bareNewlines, otherwise) => {
    let fleet: Fleet
    let toForeign: Fleet
    const through = async (port: number): Promise<Fleet> => {
      const listeners = [{ name: 'submission', port: await freePort(), bareNewlines }]
      return stage.fleet(await smallFleet({ listeners, routes: [routeTo(plainReceiver(port))] }))
    }
    beforeAll(async () => {
      fleet = await through(gullible.port)
      toForeign = await through(foreign.port)
    })

    test.each(names)('lets nothing be smuggled behind %s', async (name) => {
      gullible.mails.length = 0
      const before = foreign.arrivals().length
      const codes = await Promise.all([fleet, toForeign].map((f) => submit(f.binding('app'), ends[name])))
      const expected = ends[name].includes('\0') ? 554 : otherwise
      expect(codes).toEqual([expected, expected])
      await until('the queues are empty', async () => {
        return inQueue(await fleet.status()) + inQueue(await toForeign.status()) === 0
      })
      const out = expected === 250 ? ['app@corp.test'] : []
      expect(gullible.mails.map((m) => m.reversePath)).toEqual(out)
      expect(
        foreign
          .arrivals()
          .slice(before)
          .map((a) => a.reversePath),
      ).toEqual(out)
    })
  })
})
