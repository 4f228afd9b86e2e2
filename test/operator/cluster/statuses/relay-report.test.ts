/** The status page of a relay is read as a report, and anything else that answers in its place is refused. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { relayReport } from '../../../../operator/cluster/statuses/relay-report.ts'
import { usageReport } from '../../../../operator/cluster/statuses/usage-report.ts'

const said = {
  policy: 'mail/shared',
  hash: `sha256:${'0'.repeat(64)}`,
  stale: ['ca.crt'],
  ready: true,
  notReady: [],
  listeners: [],
  sessions: 3,
  queue: { ready: 1, deferred: 2, inFlight: 3, oldestSeconds: 1.5 },
}
const read = (more: object = {}) => relayReport(JSON.stringify({ ...said, ...more }))

test('the report has the fields that the operator knows, and leaves out those that only other versions have', () => {
  const { listeners: _listeners, sessions: _sessions, ...kept } = said
  expect(read()).toEqual({ ...kept, certificates: [], smarthosts: [], leaving: 0 })
  const leaving = [2, 3].map((attempts) => ({ domain: 'a.example', selector: 's1', attempts }))
  expect(read({ signing: { broken: [], leaving } }).leaving).toBe(5)
  expect(read({ certificates: [{ listener: 'submission', notAfter: '2027-01-31T00:00:00Z' }], new: {} })).toEqual({
    ...kept,
    certificates: [{ listener: 'submission', endsAt: Date.UTC(2027, 0, 31) }],
    smarthosts: [],
    leaving: 0,
  })
  const [notBefore, notAfter] = ['2026-12-31T00:00:00Z', '2027-01-31T00:00:00Z']
  expect(read({ certificates: [{ listener: 'submission', notBefore, notAfter }] }).certificates).toEqual([
    { listener: 'submission', beginsAt: Date.UTC(2026, 11, 31), endsAt: Date.UTC(2027, 0, 31) },
  ])
})

/** While an update goes on, the operator asks relays of two versions. The pages are of a relay of revision 78f55548. */
test('the pages of a relay of the first version are read (case S31)', () => {
  const page = (name: string): string => readFileSync(join(import.meta.dirname, 'first-version', name), 'utf8')
  const { policy, hash, spoolId, queue, certificates, smarthosts } = JSON.parse(page('status.json'))
  const report = relayReport(page('status.json'))
  expect(report).toMatchObject({ policy, hash, spoolId, ready: true, stale: [], notReady: [], leaving: 0, queue })
  expect(report.certificates.map(({ endsAt }) => endsAt)).toEqual([Date.parse(certificates[0].notAfter)])
  expect(report.smarthosts.map(({ name, health }) => [name, health])).toEqual(
    smarthosts.map((one: { readonly name: string }) => [one.name, 'ejected']),
  )
  const said = JSON.parse(page('usage.json'))
  const { day, credentials, keys } = usageReport(page('usage.json'))
  expect({ day, credentials, ...keys }).toEqual(said)
})

const smarthost = { route: 'default', name: 'ses', health: 'ejected', ejectedUntil: '2027-01-31T00:00:00Z' }
const lastReply = { code: 454, status: '4.7.0', text: 'not\u001bnow', at: '2027-01-31T00:00:00Z' }
test('a smarthost has its health and last reply, without the times that change at each attempt', () => {
  expect(read({ smarthosts: [smarthost, { ...smarthost, name: 'backup', lastReply }] }).smarthosts).toEqual([
    { route: 'default', name: 'ses', health: 'ejected' },
    { route: 'default', name: 'backup', health: 'ejected', lastReply: { code: 454, status: '4.7.0', text: 'not now' } },
  ])
  expect(read({ smarthosts: Array(1024).fill(smarthost) }).smarthosts).toHaveLength(1024)
})

test('a store of limits has its state and the reason, without the time', () => {
  const away = { state: 'Away', why: 'ECONNREFUSED', since: '2027-01-31T00:00:00Z' }
  expect(read({ limitStore: away }).limitStore).toEqual({ state: 'Away', why: 'ECONNREFUSED' })
  expect(read({ limitStore: { state: 'Connected' } }).limitStore).toEqual({ state: 'Connected' })
})

test.each<[string, object, string]>([
  ['a store in an unknown state', { limitStore: { state: 'Fine' } }, 'limitStore.state'],
  ['a store that is away without a reason', { limitStore: { state: 'Away' } }, 'limitStore.why'],
  ['a hash of another form', { hash: 'latest' }, 'hash'],
  ['a text in place of a boolean', { ready: 'yes' }, 'ready'],
  ['a spool of another form', { spoolId: 'mine' }, 'spoolId'],
  ['a text in place of a list', { stale: 'ca.crt' }, 'stale'],
  ['a list of 65 texts', { notReady: Array(65).fill('x') }, 'notReady'],
  ['a negative number of messages', { queue: { ...said.queue, ready: -1 } }, 'queue.ready'],
  ['no queue', { queue: null }, 'queue'],
  ['an object in place of an error text', { configError: {} }, 'configError'],
  [
    'a certificate with an end that is no time',
    { certificates: [{ listener: 'a', notAfter: 'soon' }] },
    'certificates.notAfter',
  ],
  [
    'a certificate with a beginning that is no time',
    { certificates: [{ listener: 'a', notBefore: 'once', notAfter: '2027-01-31T00:00:00Z' }] },
    'certificates.notBefore',
  ],
  ['a smarthost with an impossible route name', { smarthosts: [{ ...smarthost, route: 'A B' }] }, 'smarthosts.route'],
  ['a smarthost with an unknown health', { smarthosts: [{ ...smarthost, health: 'fine' }] }, 'smarthosts.health'],
  [
    'a smarthost with an impossible reply',
    { smarthosts: [{ ...smarthost, lastReply: { code: 1e9 } }] },
    'smarthosts.lastReply.code',
  ],
  ['1,025 smarthosts', { smarthosts: Array(1025).fill(smarthost) }, 'smarthosts'],
])('a report with %s is refused', (_name, more, field) => {
  expect(() => read(more)).toThrow(field)
})

test('texts are cut, and lose their control characters', () => {
  expect(read({ configError: '\u001b[31mred\r\n' }).configError).toBe(' [31mred ')
  expect(read({ configError: 'x'.repeat(9999) }).configError).toHaveLength(500)
})

test('any other JSON is refused', () => {
  fc.assert(
    fc.property(fc.json(), (body) => {
      expect(() => relayReport(body)).toThrow()
    }),
  )
})
