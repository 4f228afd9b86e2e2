/** One DNS question gets a right answer, or a reason, from servers that answer well, badly, falsely or not at all, and the questions keep to their rate. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openAsking } from '../../../operator/dns/ask.ts'
import { type Query, questionMessage, replyIn } from '../../../operator/dns/message.ts'
import { serverIn, serverText, withZones } from '../../../operator/dns/server.ts'
import { leastCpuMs } from '../../cpu-time.ts'
import { type Behaviour, cname, startZoneServer, txt } from './zone-server.ts'

const query: Query = { name: 'example.org', type: 'TXT' }
const soa = { type: 'SOA', name: 'example.org', ttl: 60, data: { mname: 'ns.example', rname: 'root.example' } } as const
const ns = { type: 'NS', name: 'example.org', ttl: 60, data: 'ns.elsewhere.example' } as const
const two = [cname('example.org', 'b.example'), cname('b.example', 'c.example')]
const many = Array.from({ length: 200 }, (_, i) => `record ${i} ${'x'.repeat(100)}`)

test.each<[string, Behaviour, object]>([
  [
    'a record is given with its TTL',
    { answers: txt('example.org', 'one') },
    { is: 'records', records: ['one'], ttl: 60, own: true },
  ],
  [
    'a record whose name is in other capitals is given',
    { answers: txt('Example.ORG', 'one') },
    { is: 'records', records: ['one'] },
  ],
  [
    'the strings of a record are joined',
    { answers: txt('example.org', 'x'.repeat(600)) },
    { records: ['x'.repeat(600)] },
  ],
  [
    '200 records, which only fit into TCP, are all given',
    { answers: txt('example.org', ...many) },
    { is: 'records', records: many },
  ],
  ['a name that does not exist (NXDOMAIN) is absent', { code: 'NXDOMAIN' }, { is: 'absent', own: true }],
  ['a name without such a record is absent', { authorities: [soa] }, { is: 'absent', own: true }],
  [
    'a name without such a record is absent, also by the word of a resolver',
    { authorities: [soa], own: false },
    { is: 'absent', own: false },
  ],
  ['the name servers of a zone below are a referral', { authorities: [ns], own: false }, { is: 'referral' }],
  [
    'an alias that comes with its record gives the record',
    { answers: [...two, ...txt('c.example', 'one')] },
    { is: 'records', records: ['one'] },
  ],
  ['an alias that comes without its record gives the target', { answers: two }, { is: 'alias', target: 'c.example' }],
  ['an alias of a name that does not exist is absent', { answers: two, code: 'NXDOMAIN' }, { is: 'absent' }],
  ['records of another name are ignored', { answers: txt('other.example', 'one') }, { is: 'absent' }],
  [
    'a circle of aliases is named',
    { answers: [...two, cname('c.example', 'b.example')] },
    { is: 'unknown', why: expect.stringContaining('example.org → b.example → c.example → b.example has no end') },
  ],
  [
    'forty aliases in a row are given up',
    {
      answers: Array.from({ length: 40 }, (_, i) =>
        cname(i === 0 ? 'example.org' : `${i}.example`, `${i + 1}.example`),
      ),
    },
    { is: 'unknown', why: expect.stringContaining('correct the CNAME') },
  ],
  ['SERVFAIL is no answer', { code: 'SERVFAIL' }, { is: 'unknown', why: 'SERVFAIL' }],
  ['REFUSED is no answer', { code: 'REFUSED' }, { is: 'unknown', why: 'REFUSED' }],
  ['silence is no answer', 'silence', { is: 'unknown', why: 'no answer within 0.2 s' }],
  ['a reply with another id is ignored', 'another id', { is: 'unknown', why: 'no answer within 0.2 s' }],
  ['a reply to another question is ignored', 'another question', { is: 'unknown', why: 'no answer within 0.2 s' }],
  ['garbage is ignored', 'garbage', { is: 'unknown', why: 'no answer within 0.2 s' }],
])('%s', async (_name, behaviour, reply) => {
  const { server } = await startZoneServer({ 'TXT example.org': behaviour })
  const ask = openAsking({ perSecond: 1000, patienceMs: 200 })
  expect(await ask([server], query, false)).toMatchObject(reply)
})

test('a question whose packet is lost is sent again, and a silent server is followed by the next one', async () => {
  const late = await startZoneServer({
    'TXT example.org': (time) => (time === 0 ? 'silence' : { answers: txt('example.org', 'one') }),
  })
  const silent = await startZoneServer({ 'TXT example.org': 'silence' })
  const ask = openAsking({ perSecond: 1000, patienceMs: 100 })
  expect(await ask([late.server], query, false)).toMatchObject({ records: ['one'] })
  expect(await ask([silent.server, late.server], query, false)).toMatchObject({ records: ['one'] })
  expect(silent.asked).toHaveLength(1)
  expect(await ask([{ address: '127.0.0.1', port: 1 }], query, false)).toMatchObject({ is: 'unknown' })
})

test('what can not be a DNS name is absent, and no server is asked', async () => {
  const { server, asked } = await startZoneServer({})
  const ask = openAsking({ perSecond: 1000 })
  for (const name of ['', 'a..b', `${'x'.repeat(64)}.example`, Array(50).fill('label').join('.')]) {
    expect(await ask([server], { name, type: 'A' }, false)).toEqual({ is: 'absent', own: false })
  }
  expect(asked).toEqual([])
})

test('the questions go out in the order of the calls, and no more of them per second than allowed', async () => {
  const times: number[] = []
  const { server, asked } = await startZoneServer({
    ...Object.fromEntries(
      Array.from({ length: 60 }, (_, i) => [
        `TXT ${i}.example`,
        () => {
          times.push(performance.now())
          return { code: 'NXDOMAIN' as const }
        },
      ]),
    ),
  })
  const ask = openAsking({ perSecond: 40 })
  await Promise.all(Array.from({ length: 60 }, (_, i) => ask([server], { name: `${i}.example`, type: 'TXT' }, false)))
  expect(asked).toEqual(Array.from({ length: 60 }, (_, i) => `TXT ${i}.example`))
  // At 40 per second, sixty questions take 1.5 s; a little less is allowed, since a pause that was too long is made up for.
  expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(1200)
})

test('no octets in place of a reply make the parser throw', () => {
  const question = questionMessage(7, query, true)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat(11), (octets, at) => {
      const message = Buffer.concat([question.subarray(0, question.length - at), octets])
      message.writeUInt16BE(0x8180, 2)
      for (const reply of [replyIn(Buffer.from(octets), 7, query), replyIn(message, 7, query)]) {
        expect([undefined, 'truncated', 'object']).toContain(typeof reply === 'object' ? 'object' : reply)
      }
    }),
    { numRuns: 3000, seed: 20_260_105 },
  )
})

test('a reply of thousands of records with long names is refused in less than 50 ms', () => {
  const question = questionMessage(7, { name: 'a.t', type: 'TXT' }, true)
  question.writeUInt16BE(0x8180, 2)
  // Without its OPT, of 11 octets; then each record is a CNAME, from and to the long name of the first one.
  const beginning = question.subarray(0, -11)
  const kind = Buffer.from([0, 5, 0, 1, 0, 0, 0, 0])
  const long = Buffer.from('\x01a'.repeat(126).concat('\0'), 'latin1')
  const pointer = Buffer.from([0xc0, beginning.length])
  const first = Buffer.concat([long, kind, Buffer.from([0, 2]), pointer])
  const others = Buffer.concat([pointer, kind, Buffer.from([0, 2]), pointer])
  const records = Math.floor((65_535 - beginning.length - first.length) / others.length)
  beginning.writeUInt16BE(1 + records, 6)
  beginning.writeUInt16BE(0, 10)
  const message = Buffer.concat([beginning, first, Buffer.alloc(records * others.length, others)])
  const read = () => replyIn(message, 7, { name: 'a.t', type: 'TXT' })
  expect(leastCpuMs(3, read)).toBeLessThan(50)
  expect(read()).toEqual({ is: 'unknown', why: 'a reply of more than 1000 records' })
  expect(replyIn(message, 8, { name: 'a.t', type: 'TXT' })).toBeUndefined()
})

test.each([
  ['192.0.2.53', { address: '192.0.2.53', port: 53 }],
  ['2001:db8::53', { address: '2001:db8::53', port: 53 }],
  ['192.0.2.53:5353', { address: '192.0.2.53', port: 5353 }],
  ['[2001:db8::53]:5353', { address: '2001:db8::53', port: 5353 }],
])('%s is read as the address of a server', (text, server) => {
  expect(serverIn(text)).toEqual(server)
  expect(serverText(server)).toBe(text)
})

test.each([
  '',
  'ns.example',
  '192.0.2',
  '192.0.2.53:0',
  '192.0.2.53:99999',
  '[192.0.2.53',
  '2001:db8::53:x',
])('%j is read as no server', (text) => expect(serverIn(text)).toBeUndefined())

test('a name server on a link is asked by the interface that resolv.conf names, which Node leaves out', () => {
  const configuration = `# of the host
nameserver 192.0.2.53
  nameserver\tFE80:0::1%eth0
nameserver fe80::2
options edns0
nameserver 2001:db8::53`
  const told = ['192.0.2.53', 'fe80::1', 'fe80::2', '2001:db8::53']
  const servers = withZones(
    told.map((address) => ({ address, port: 53 })),
    configuration,
  )
  expect(servers.map(({ address }) => address)).toEqual(['192.0.2.53', 'FE80:0::1%eth0', 'fe80::2', '2001:db8::53'])
  expect(servers.map((server) => serverIn(serverText(server)))).toEqual(servers)
})
