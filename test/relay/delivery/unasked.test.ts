/** A turn in which no next hop was asked makes the next wait longer, and is no attempt to anybody who reads of them. */
import { expect, test } from 'vitest'
import { until } from '../../local/until.ts'
import { say } from './behaviour.ts'
import { MemorySpool } from './memory-spool.ts'
import { rig } from './rig.ts'
import { envelope, hello, route, smarthost } from './samples.ts'
import { startSmarthost } from './smarthost.ts'

const hour = 3_600_000
/** A report, without the soft line breaks of quoted-printable (RFC 2045 section 6.7). */
const unbroken = (dsn: Buffer | undefined): string => String(dsn).replaceAll('=\r\n', '')

test('case S25: mail that was held twice waits as after two attempts, and its first attempt is told as the first one', async () => {
  const upstream = await startSmarthost({
    script: { RCPT: (_, line) => (line.includes('example.net') ? say('450 4.2.0 later') : undefined) },
  })
  const retry = { scheduleMs: [5, hour], expireAfterMs: 2 * hour }
  const routes = [route('r', [smarthost('a', upstream.port)], { retry })]
  const spool = new MemorySpool()
  const brokenDomains = [
    { senderDomain: 'team-a/corp', domain: 'corp.test', action: 'Defer', records: ['TXT corp.test'] },
  ] as const
  const held = rig(routes, { spool, config: { brokenDomains } })
  const { queueId } = spool.put(envelope(hello, { signingDomain: 'corp.test' }), hello).envelope
  await until('it was held twice', () => held.facts('deferred').length === 2)
  const nextAt = Number(held.facts('deferred')[1]?.[2])
  expect(nextAt - Date.now()).toBeGreaterThan(hour / 2)
  await held.quiet()
  expect(spool.stored.get(queueId)?.recipients).toMatchObject([{ attempts: 0, emptyTurns: 2 }])
  await held.delivery.close(0)

  const { attempts, facts } = rig(routes, { spool, now: () => Date.now() + 2 * hour })
  await until('the report is queued', () => facts('dsnQueued').length === 1)
  expect(attempts.find((a) => a.queueId === queueId)).toMatchObject({ attempt: 1, outcome: { kind: 'deferred' } })
  await until('the report is delivered', () => upstream.received.length === 1)
  expect(unbroken(upstream.received[0]?.content)).toContain(
    'It was tried once until its time was over; the last time at smarthost a (127.0.0.1:',
  )
})

test('a message that failed at one smarthost was attempted, though nobody could be asked at the next one', async () => {
  const refusing = await startSmarthost({ script: { RCPT: say('421 4.3.2 not now', { ends: 'drop' }) } })
  const tls = { mode: 'StartTLS', caFile: 'ca' } as const
  const hosts = [smarthost('a', refusing.port), smarthost('b', refusing.port, { priority: 1, tls })]
  const { spool, attempts, facts } = rig([route('r', hosts)])
  const message = envelope(hello, { acceptedAt: Date.now() - 24.5 * hour })
  spool.put(message, hello)
  await until('the report is queued', () => facts('dsnQueued').length === 1)
  expect(attempts.filter((a) => a.queueId === message.queueId)).toMatchObject([{ smarthost: 'a', attempt: 1 }])
  const dsn = [...spool.stored.values()].find(({ envelope: { reports } }) => reports !== undefined)
  expect(unbroken(dsn?.content)).toContain(
    'It was tried once, and its time was over while no other attempt could be made:\r\n    451 4.7.5 the file ca is not there',
  )
})
