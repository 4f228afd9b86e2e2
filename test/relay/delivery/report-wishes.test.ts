/** What a client asks of reports (RFC 3461): a next hop that makes them is told, and for one that does not the relay makes them. */
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import type { ReportWishes } from '../../../relay/mail/report-wishes.ts'
import { until } from '../../local/until.ts'
import { type Script, say } from './behaviour.ts'
import type { MemorySpool } from './memory-spool.ts'
import { rig } from './rig.ts'
import { envelope, hello, route, smarthost } from './samples.ts'
import { startSmarthost } from './smarthost.ts'

const [a, b, c] = ['a@x.test', 'b@x.test', 'c@x.test'] as const
const asks = (wishes: ReportWishes) => envelope(hello, { forwardPaths: [a, b, c], wishes })
const later = say('450 4.3.0 later')
/** Keeps reports in the spool, where a test can look at them. */
const keepReports = (line: string) => (line.startsWith('MAIL FROM:<>') ? later : undefined)
const keeping: Script = { MAIL: (_, line) => keepReports(line) }
const refusing = (...paths: readonly string[]): Script => ({
  ...keeping,
  RCPT: (_, line) => (paths.some((path) => line.includes(path)) ? say('550 5.1.1 no') : undefined),
})
const reports = (spool: MemorySpool) => [...spool.stored.values()].filter((s) => s.envelope.reports !== undefined)
const textOf = async (spool: MemorySpool): Promise<string> =>
  (await buffer(spool.content(reports(spool)[0]?.envelope.queueId ?? ''))).toString('latin1')

test.each([
  [['PIPELINING', 'DSN'], ' RET=HDRS ENVID=id+2B1', [' NOTIFY=NEVER', ' NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b', '']],
  [['DSN'], ' RET=HDRS ENVID=id+2B1', [' NOTIFY=NEVER', ' NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b', '']],
  [['PIPELINING'], '', ['', '', '']],
  [[], '', ['', '', '']],
])('a next hop that offers %j is told what it can do with it', async (offers, ofMail, ofRcpts) => {
  const said: string[] = []
  const noted = (_: number, line: string) => {
    said.push(line)
    return keepReports(line)
  }
  const upstream = await startSmarthost({ offers, script: { MAIL: noted, RCPT: noted } })
  const { spool, attempted, quiet } = rig([route('r', [smarthost('a', upstream.port)])])
  const recipients = { 0: { notify: ['NEVER'] }, 1: { notify: ['SUCCESS', 'DELAY'], orcpt: 'rfc822;b' } } as const
  spool.put(asks({ ret: 'HDRS', envid: 'id+2B1', recipients }), hello)
  await attempted(3)
  await quiet()
  const [first] = said
  expect(first?.replace(/ (?:SIZE|BODY)=\S+/g, '')).toBe(`MAIL FROM:<app@corp.test>${ofMail}`)
  expect(said.slice(1, 4)).toEqual([a, b, c].map((path, i) => `RCPT TO:<${path}>${ofRcpts[i]}`))
})

test('where the next hop makes no reports, who asks for one of success gets it, once, and nobody else does', async () => {
  const upstream = await startSmarthost({ script: keeping })
  const { spool, attempted, quiet, facts } = rig([route('r', [smarthost('a', upstream.port)])])
  const message = asks({ recipients: { 1: { notify: ['SUCCESS'] }, 2: { notify: ['FAILURE', 'DELAY'] } } })
  spool.put(message, hello)
  await attempted(3)
  await until('it is reported', () => facts('dsnQueued').length > 0)
  await quiet()
  expect(reports(spool).map((s) => s.envelope.reports)).toEqual([{ queueId: message.queueId, forwardPaths: [b] }])
  expect(reports(spool)[0]?.envelope).toMatchObject({ reversePath: '', forwardPaths: ['app@corp.test'] })
  const text = await textOf(spool)
  expect(text).toContain(`Final-Recipient: rfc822; ${b}\r\nAction: relayed\r\nStatus: 2.`)
  expect(facts('bounced')).toEqual([])
  expect(spool.stored.has(message.queueId)).toBe(false)
})

test('where the next hop makes reports, one of success is its own to make', async () => {
  const upstream = await startSmarthost({ offers: ['DSN'], script: keeping })
  const { spool, attempted, quiet, facts } = rig([route('r', [smarthost('a', upstream.port)])])
  spool.put(asks({ recipients: { 1: { notify: ['SUCCESS'] } } }), hello)
  await attempted(3)
  await quiet()
  expect(facts('dsnQueued')).toEqual([])
  expect(spool.stored.size).toBe(0)
})

test.each([
  ['NEVER', undefined],
  ['SUCCESS', undefined],
  ['DELAY', undefined],
  ['FAILURE', [a]],
])('whoever is given up with NOTIFY=%s is reported only if that says so', async (notify, reported) => {
  const upstream = await startSmarthost({ offers: ['DSN'], script: refusing(a) })
  const { spool, attempted, quiet, facts } = rig([route('r', [smarthost('a', upstream.port)])])
  const message = asks({ recipients: { 0: { notify: [notify as 'NEVER'] } } })
  spool.put(message, hello)
  await attempted(3)
  await quiet()
  expect(reports(spool)[0]?.envelope.reports?.forwardPaths).toEqual(reported)
  expect(facts('bounced')).toHaveLength(1)
  const why = [[message.queueId, 'NOTIFY asks for no report']]
  expect(facts('discarded')).toEqual(reported === undefined ? why : [])
})

test('those who are given up and those who are taken in one transaction are in one report', async () => {
  const upstream = await startSmarthost({ script: refusing(a) })
  const { spool, attempted, quiet, facts } = rig([route('r', [smarthost('a', upstream.port)])])
  const message = asks({ recipients: { 1: { notify: ['SUCCESS', 'FAILURE'] } } })
  spool.put(message, hello)
  await attempted(3)
  await until('it is reported', () => facts('dsnQueued').length > 0)
  await quiet()
  expect(reports(spool).map((s) => s.envelope.reports?.forwardPaths)).toEqual([[a, b]])
})

test.each([
  ['FULL', 'message/rfc822'],
  ['HDRS', 'text/rfc822-headers'],
  [undefined, 'text/rfc822-headers'],
] as const)('with RET=%s a report of a failure has %s', async (ret, type) => {
  const upstream = await startSmarthost({ script: refusing(a, b, c) })
  const { spool, attempted, quiet } = rig([route('r', [smarthost('a', upstream.port)])])
  spool.put(asks(ret === undefined ? {} : { ret }), hello)
  await attempted(3)
  await quiet()
  const text = await textOf(spool)
  expect(text).toContain(`Content-Type: ${type}`)
  expect(text.includes(hello.toString())).toBe(ret === 'FULL')
})

test('mail that was delivered is not sent again where its report can not be written', async () => {
  const upstream = await startSmarthost({ script: keeping })
  const { spool, attempts, attempted, facts } = rig([route('r', [smarthost('a', upstream.port)])], { repeatMs: 20 })
  const message = asks({ recipients: { 1: { notify: ['SUCCESS'] } } })
  spool.broken.add('receive')
  spool.put(message, hello)
  await attempted(3)
  await until('its state is recorded', () => spool.log.includes(`record ${message.queueId}`))
  expect(spool.stored.get(message.queueId)?.recipients.map(({ state }) => state)).toEqual(
    Array.from({ length: 3 }, () => 'delivered'),
  )
  spool.broken.clear()
  await until('it is reported', () => facts('dsnQueued').length > 0)
  expect(attempts.filter(({ queueId }) => queueId === message.queueId)).toHaveLength(3)
})

const refusal = say('553 ORCPT address syntax error')

test.each([
  ['MAIL', ['PIPELINING', 'DSN'], '555 5.5.4 Unsupported option: RET=HDRS'],
  ['MAIL', ['DSN'], '501 Syntax error in parameters'],
  ['RCPT', ['PIPELINING', 'DSN'], '501 5.5.4 Bad ORCPT parameter syntax'],
  ['RCPT', ['DSN'], '553 ORCPT address syntax error'],
  ['RCPT', ['DSN'], '504 5.5.4 NOTIFY not implemented'],
  ['RCPT', ['PIPELINING', 'DSN'], '555'],
])('a next hop that offers DSN and refuses it at %s (%j, %s) is asked for nothing, and the relay makes the report', async (stage, offers, reply) => {
  const said: string[] = []
  const script: Script = {
    MAIL: (_, line) => keepReports(line) ?? (stage === 'MAIL' && line.includes('RET=') ? say(reply) : undefined),
    RCPT: (_, line) => {
      said.push(line)
      return stage === 'RCPT' && /ORCPT|NOTIFY/.test(line) ? say(reply) : undefined
    },
  }
  const upstream = await startSmarthost({ offers, script })
  const { spool, attempts, attempted, quiet, facts } = rig([route('r', [smarthost('a', upstream.port)])])
  const wish = { notify: ['SUCCESS'], orcpt: 'utf-8;b' } as const
  spool.put(asks({ ret: 'HDRS', recipients: { 0: wish, 1: wish, 2: wish } }), hello)
  await attempted(3)
  await until('it is reported', () => facts('dsnQueued').length > 0)
  await quiet()
  expect(attempts.slice(0, 3).map(({ attempt, outcome }) => `${attempt} ${outcome.kind}`)).toEqual(
    Array(3).fill('1 delivered'),
  )
  expect(upstream.received.map(({ rcpt }) => rcpt.length)).toEqual([3])
  expect(reports(spool).map((s) => s.envelope.reports?.forwardPaths)).toEqual([[a, b, c]])
})

test('who is refused for the sake of a parameter beside others that are taken has the message once, as have the others', async () => {
  const script: Script = {
    ...keeping,
    RCPT: (_, line) => (line.includes('ORCPT=') ? refusal : undefined),
  }
  const upstream = await startSmarthost({ offers: ['PIPELINING', 'DSN'], script })
  const { spool, attempted, quiet, facts } = rig([route('r', [smarthost('a', upstream.port)])])
  spool.put(asks({ recipients: { 1: { orcpt: 'utf-8;b' } } }), hello)
  await until('it is gone', () => spool.stored.size === 0)
  await attempted(4)
  await quiet()
  expect(upstream.received.map(({ rcpt }) => rcpt)).toEqual(
    [[a, c], [b]].map((paths) => paths.map((path) => `RCPT TO:<${path}>`)),
  )
  expect(facts('bounced')).toEqual([])
})

test.each([
  ['its address', '550 5.1.1 no such user', 1],
  ['its address, which is malformed', '501 5.1.3 Bad recipient address syntax', 1],
  ['whatever is asked', '555 5.5.4 unsupported', 2],
])('who is refused for %s is given up', async (_name, reply, transactions) => {
  let asked = 0
  const RCPT = () => {
    asked++
    return say(reply)
  }
  const upstream = await startSmarthost({ offers: ['DSN'], script: { ...keeping, RCPT } })
  const { spool, attempted, quiet, facts } = rig([route('r', [smarthost('a', upstream.port)])])
  spool.put(
    asks({ recipients: { 0: { notify: ['FAILURE'] }, 1: { notify: ['FAILURE'] }, 2: { notify: ['FAILURE'] } } }),
    hello,
  )
  await attempted(3)
  await quiet()
  expect(facts('bounced')).toHaveLength(3)
  expect(asked).toBe(3 * transactions)
})
