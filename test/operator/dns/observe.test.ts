/** A look at a domain's records asks the name servers of its zone and resolvers, and bears with each of them being wrong in its own way. */
import { expect, test } from 'vitest'
import { type Ask, openAsking } from '../../../operator/dns/ask.ts'
import { observe } from '../../../operator/dns/observe.ts'
import type { Server } from '../../../operator/dns/server.ts'
import { recordConditions } from '../../../operator/lifecycle/record-conditions.ts'
import { recordsWanted } from '../../../operator/lifecycle/records-wanted.ts'
import { cname, startZoneServer, type Table, txt } from './zone-server.ts'

const now = Date.parse('2026-01-05T10:00:00Z')
const key = { selector: 's1', type: 'ed25519', publicKey: 'AAAA' } as const
const wanted = recordsWanted(
  'mail.example.org',
  { spf: { include: ['ses.example'], addresses: [] }, dmarc: { minimumPolicy: 'none' } },
  [key],
)
const ns = (name: string, ...hosts: readonly string[]) => ({
  answers: hosts.map((data) => ({ type: 'NS', name, ttl: 60, data }) as const),
})
const a = (name: string, data: string) => ({ answers: [{ type: 'A', name, ttl: 60, data } as const] })

const zone: Table = {
  'TXT mail.example.org': { answers: txt('mail.example.org', 'v=spf1 include:ses.example -all') },
  'TXT s1._domainkey.mail.example.org': {
    answers: txt('s1._domainkey.mail.example.org', 'v=DKIM1; k=ed25519; p=AAAA'),
  },
  'TXT _dmarc.mail.example.org': { answers: txt('_dmarc.mail.example.org', 'v=DMARC1; p=none') },
}
const others: Table = {
  'TXT ses.example': { answers: txt('ses.example', 'v=spf1 ip4:192.0.2.1 -all') },
  'NS mail.example.org': { own: false },
  'NS example.org': ns('example.org', 'ns1.dns.example'),
  'A ns1.dns.example': a('ns1.dns.example', '127.0.0.53'),
}

/** Looks once: `own` is what the only name server of the zone says, `cached` what the resolver says. */
async function look(own: Table, cached: Table, hosts: Readonly<Record<string, Table>> = {}) {
  const [nameServer, resolver] = [await startZoneServer(own), await startZoneServer(cached)]
  const places = new Map<string, Server>([['127.0.0.53', nameServer.server]])
  for (const [address, table] of Object.entries(hosts)) places.set(address, (await startZoneServer(table)).server)
  const real = openAsking({ perSecond: 2000, patienceMs: 150 })
  // Name servers are on port 53, which needs root, so each has a server on another port in its place.
  const ask: Ask = (servers, ...rest) =>
    real(
      servers.map((s) => (s.port === 53 ? (places.get(s.address) ?? s) : s)),
      ...rest,
    )
  const found = await observe(
    { domain: 'mail.example.org', wanted, resolvers: [resolver.server], before: undefined },
    { ask, now: () => now, dice: Math.random, signal: new AbortController().signal },
  )
  const conditions = recordConditions(found, { action: 'Warn', graceMs: 1 }, now)
  return {
    found,
    states: found.records.map((r) => `${r.purpose} ${r.state} ${r.seen}`),
    published: conditions.at(-1),
    asked: { own: nameServer.asked, resolver: resolver.asked },
  }
}

test('the name servers are asked for the records in their zone only, and resolvers for everything', async () => {
  const { states, published, asked, found } = await look(zone, { ...zone, ...others })
  expect(states).toEqual(['SPF Match everywhere', 'DKIM Match everywhere', 'DMARC Match everywhere'])
  expect(published).toMatchObject({ status: 'True', reason: 'Published' })
  expect(found.records[0]?.showing).toEqual(['name server ns1.dns.example', expect.stringMatching(/^resolver 127/)])
  expect(asked.own.toSorted()).toEqual(Object.keys(zone).toSorted())
  expect(new Set(asked.resolver)).toEqual(
    new Set([...Object.keys(zone), ...Object.keys(others), 'AAAA ns1.dns.example']),
  )
})

test('case N11: a key that only a resolver shows, and the zone does not have, is reported as missing', async () => {
  const { 'TXT s1._domainkey.mail.example.org': _, ...without } = zone
  const { states, published } = await look(without, { ...zone, ...others })
  expect(states[1]).toBe('DKIM Missing somewhere')
  expect(published).toMatchObject({ status: 'False', reason: 'NotPublished' })
  expect(published?.message).toContain('TXT s1._domainkey.mail.example.org: there is no DKIM record; add it')
})

test('a silent resolver makes no record missing, and the condition names that resolver', async () => {
  const silent: Table = Object.fromEntries(Object.keys(zone).map((question) => [question, 'silence']))
  const { states, published } = await look(zone, { ...others, ...silent })
  expect(states).toEqual(['SPF Match somewhere', 'DKIM Match somewhere', 'DMARC Match somewhere'])
  expect(published).toMatchObject({ status: 'Unknown', reason: 'ResolverTrouble' })
  expect(published?.message).toMatch(/: resolver 127[^;]*: no answer/)
  const blind = await look(silent, { ...others, ...silent })
  expect(blind.states).toEqual(['SPF Unknown nowhere', 'DKIM Unknown nowhere', 'DMARC Unknown nowhere'])
  expect(blind.published).toMatchObject({ status: 'Unknown', reason: 'ResolverTrouble' })
  expect(blind.published?.message).toMatch(
    /name server ns1\.dns\.example: no answer.*resolver 127.*correct spec\.dns\.resolvers/,
  )
})

test('SERVFAIL makes a record unknown, not missing', async () => {
  const failing: Table = Object.fromEntries(
    Object.keys(zone).map((question) => [question, { code: 'SERVFAIL' as const }]),
  )
  const { states, published } = await look(failing, { ...others, ...failing })
  expect(states).toEqual(['SPF Unknown nowhere', 'DKIM Unknown nowhere', 'DMARC Unknown nowhere'])
  expect(published?.message).toContain('SERVFAIL')
})

test('SERVFAIL of a resolver that only fails when it verifies DNSSEC signatures is reported as trouble with the signatures', async () => {
  const name = 's1._domainkey.mail.example.org'
  const fails: Table = { ...zone, ...others, [`TXT ${name}`]: { code: 'SERVFAIL' } }
  const bogus = await look(zone, { ...fails, [`TXT ${name} unverified`]: zone[`TXT ${name}`] ?? 'silence' })
  expect(bogus.states[1]).toBe('DKIM Match somewhere')
  expect(bogus.published).toMatchObject({ status: 'Unknown', reason: 'ResolverTrouble' })
  expect(bogus.published?.message).toMatch(/^TXT s1\S+: resolver 127\S+: SERVFAIL, .* check its signatures and its DS/)
  const ill = await look(zone, fails)
  expect(ill.published?.message).toMatch(/: SERVFAIL; check these servers/)
  expect(ill.asked.resolver.filter((key) => key === `TXT ${name}`)).toHaveLength(4)
})

test('a circle of aliases within one answer is reported, with what to do', async () => {
  const name = 's1._domainkey.mail.example.org'
  const circle: Table = {
    [`TXT ${name}`]: { answers: [cname(name, 'x.mail.example.org'), cname('x.mail.example.org', name)] },
  }
  const { states, published } = await look(
    { ...zone, ...circle },
    { ...zone, ...others, [`TXT ${name}`]: { code: 'SERVFAIL' } },
  )
  expect(states[1]).toBe('DKIM Unknown nowhere')
  expect(published).toMatchObject({ status: 'Unknown', reason: 'ResolverTrouble' })
  expect(published?.message).toContain(`the alias ${name} → x.mail.example.org → ${name} has no end; correct the CNAME`)
})

test('a circle of aliases over several answers is reported too, and an alias that ends is followed to its record', async () => {
  const name = 's1._domainkey.mail.example.org'
  const other = 'x.elsewhere.example'
  const there: Table = { ...zone, [`TXT ${name}`]: { answers: [cname(name, other)] } }
  const circle = { ...there, ...others, [`TXT ${other}`]: { answers: [cname(other, name)] } }
  const { states, published } = await look(there, circle)
  expect(states[1]).toBe('DKIM Unknown nowhere')
  expect(published?.message).toContain('have no end; correct the CNAME')
  const ends = { ...there, ...others, [`TXT ${other}`]: { answers: txt(other, 'v=DKIM1; k=ed25519; p=AAAA') } }
  expect((await look(there, ends)).states[1]).toBe('DKIM Match everywhere')
})

test('the SPF record among 200 TXT records is found', async () => {
  const more = Array.from({ length: 199 }, (_, i) => `verification-${i}=${'x'.repeat(60)}`)
  const answers = txt('mail.example.org', ...more, 'v=spf1 include:ses.example -all')
  const crowded: Table = { ...zone, 'TXT mail.example.org': { answers } }
  const { states, found } = await look(crowded, { ...crowded, ...others })
  expect(states[0]).toBe('SPF Match everywhere')
  expect(found.records[0]?.got).toBe('v=spf1 include:ses.example -all')
})

test('a key behind an alias into another zone, or in a zone of its own, is found there', async () => {
  const name = 's1._domainkey.mail.example.org'
  const away = txt('s1.keys.example.net', 'v=DKIM1; k=ed25519; p=AAAA')
  const alias: Table = { ...zone, [`TXT ${name}`]: { answers: [cname(name, 's1.keys.example.net')] } }
  const resolved: Table = {
    ...zone,
    ...others,
    [`TXT ${name}`]: { answers: [cname(name, 's1.keys.example.net'), ...away], own: false },
    'TXT s1.keys.example.net': { answers: away, own: false },
  }
  expect((await look(alias, resolved)).states[1]).toBe('DKIM Match everywhere')
  const delegated: Table = {
    ...zone,
    [`TXT ${name}`]: { own: false, authorities: ns('_domainkey.mail.example.org', 'ns.example.net').answers },
  }
  expect((await look(delegated, resolved)).states[1]).toBe('DKIM Match everywhere')
})

test('a name server that does not serve the zone is left out and named, and the other one is asked', async () => {
  const lame: Table = Object.fromEntries(Object.keys(zone).map((question) => [question, { own: false }]))
  const hosts = { ...others, 'NS example.org': ns('example.org', 'ns1.dns.example', 'ns2.dns.example') }
  const second = { 'A ns2.dns.example': a('ns2.dns.example', '127.0.0.54') }
  const { states, found } = await look(lame, { ...zone, ...hosts, ...second }, { '127.0.0.54': zone })
  expect(states).toEqual(['SPF Match somewhere', 'DKIM Match somewhere', 'DMARC Match somewhere'])
  expect(found.records[1]?.doubts).toEqual(['name server ns1.dns.example: it does not serve example.org'])
})

test('of nine name servers four are asked at one look', async () => {
  const names = Array.from({ length: 9 }, (_, i) => `ns${i}.dns.example`)
  const cached = {
    ...zone,
    ...others,
    'NS example.org': ns('example.org', ...names),
    ...Object.fromEntries(names.map((name) => [`A ${name}`, a(name, '127.0.0.53')])),
  }
  const { asked } = await look(zone, cached)
  expect(asked.own.filter((question) => question === 'TXT _dmarc.mail.example.org')).toHaveLength(4)
})

test('an SPF record that includes ever more names is given up, and reported as an error', async () => {
  const endless: Table = {}
  for (let i = 0; i < 40; i += 1) {
    const name = i === 0 ? 'mail.example.org' : `${i}.example`
    endless[`TXT ${name}`] = { answers: txt(name, `v=spf1 include:${i + 1}.example -all`) }
  }
  const { states, asked } = await look({ ...zone, ...endless }, { ...zone, ...others, ...endless })
  expect(states[0]).toBe('SPF Mismatch nowhere')
  expect(asked.resolver.length).toBeLessThan(60)
})

test('without a resolver every record is unknown, and the condition says to set spec.dns.resolvers', async () => {
  const looked = { domain: 'mail.example.org', wanted, resolvers: [], before: undefined }
  const found = await observe(looked, {
    ask: openAsking({ perSecond: 1 }),
    now: () => now,
    dice: Math.random,
    signal: new AbortController().signal,
  })
  expect(found.records.map((r) => r.state)).toEqual(['Unknown', 'Unknown', 'Unknown'])
  expect(recordConditions(found, { action: 'Warn', graceMs: 1 }, now).at(-1)?.message).toContain(
    'give spec.dns.resolvers',
  )
})
