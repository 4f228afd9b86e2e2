/** A report is what a relay says, and nothing that anybody else could make of it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { relayReport } from '../../../../operator/cluster/statuses/relay-report.ts'

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

test('what a relay of any version says', () => {
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

const smarthost = { route: 'default', name: 'ses', health: 'ejected', ejectedUntil: '2027-01-31T00:00:00Z' }
const lastReply = { code: 454, status: '4.7.0', text: 'not\u001bnow', at: '2027-01-31T00:00:00Z' }
test('a smarthost: how it is and why, without the times that change with each probe', () => {
  expect(read({ smarthosts: [smarthost, { ...smarthost, name: 'backup', lastReply }] }).smarthosts).toEqual([
    { route: 'default', name: 'ses', health: 'ejected' },
    { route: 'default', name: 'backup', health: 'ejected', lastReply: { code: 454, status: '4.7.0', text: 'not now' } },
  ])
  expect(read({ smarthosts: Array(1024).fill(smarthost) }).smarthosts).toHaveLength(1024)
})

test('a store of limits: how it is and why, without since when', () => {
  const away = { state: 'Away', why: 'ECONNREFUSED', since: '2027-01-31T00:00:00Z' }
  expect(read({ limitStore: away }).limitStore).toEqual({ state: 'Away', why: 'ECONNREFUSED' })
  expect(read({ limitStore: { state: 'Connected' } }).limitStore).toEqual({ state: 'Connected' })
})

test.each<[string, object, string]>([
  ['a store in a state of its own', { limitStore: { state: 'Fine' } }, 'limitStore.state'],
  ['a store that is away for no reason', { limitStore: { state: 'Away' } }, 'limitStore.why'],
  ['a hash of another form', { hash: 'latest' }, 'hash'],
  ['a truth that is none', { ready: 'yes' }, 'ready'],
  ['a spool of another form', { spoolId: 'mine' }, 'spoolId'],
  ['a list that is none', { stale: 'ca.crt' }, 'stale'],
  ['a list without end', { notReady: Array(65).fill('x') }, 'notReady'],
  ['fewer than no messages', { queue: { ...said.queue, ready: -1 } }, 'queue.ready'],
  ['no queue', { queue: null }, 'queue'],
  ['an error that is no text', { configError: {} }, 'configError'],
  [
    'a certificate that ends some day',
    { certificates: [{ listener: 'a', notAfter: 'soon' }] },
    'certificates.notAfter',
  ],
  [
    'a certificate that began some day',
    { certificates: [{ listener: 'a', notBefore: 'once', notAfter: '2027-01-31T00:00:00Z' }] },
    'certificates.notBefore',
  ],
  ['a smarthost of no route', { smarthosts: [{ ...smarthost, route: 'A B' }] }, 'smarthosts.route'],
  ['a health of its own', { smarthosts: [{ ...smarthost, health: 'fine' }] }, 'smarthosts.health'],
  ['a reply that is none', { smarthosts: [{ ...smarthost, lastReply: { code: 1e9 } }] }, 'smarthosts.lastReply.code'],
  ['smarthosts without end', { smarthosts: Array(1025).fill(smarthost) }, 'smarthosts'],
])('%s is no report', (_name, more, field) => {
  expect(() => read(more)).toThrow(field)
})

test('words are cut, and paint no terminal', () => {
  expect(read({ configError: '\u001b[31mred\r\n' }).configError).toBe(' [31mred ')
  expect(read({ configError: 'x'.repeat(9999) }).configError).toHaveLength(500)
})

test('anything else is an error, and never a report of another shape', () => {
  fc.assert(
    fc.property(fc.json(), (body) => {
      expect(() => relayReport(body)).toThrow()
    }),
  )
})
