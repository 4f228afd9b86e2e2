/** Every domain's records are looked at when they are due: new domains first, broken ones often, and only the records that are wanted now. */
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openAsking } from '../../../operator/dns/ask.ts'
import { Verifier, type Verifying } from '../../../operator/dns/verifier.ts'
import type { DomainChecks } from '../../../operator/lifecycle/domain-checks.ts'
import { recordsWanted } from '../../../operator/lifecycle/records-wanted.ts'
import { until } from '../../local/until.ts'
import { onTestFinished } from '../../own-test.ts'
import { startZoneServer, type Table, txt } from './zone-server.ts'

const minute = 60_000
const checks = (domain: string, more: Partial<DomainChecks> = {}): DomainChecks => ({
  domain,
  wanted: recordsWanted(domain, { dmarc: { minimumPolicy: 'none' } }, []),
  resolvers: [],
  verifyEveryMs: 5 * minute,
  waiting: [],
  whenBroken: { action: 'Warn', graceMs: 0 },
  ...more,
})
const policy = (domain: string) => ({ answers: txt(`_dmarc.${domain}`, 'v=DMARC1; p=none') })

async function start(table: Table, more: Partial<Verifying> = {}) {
  const { server, asked } = await startZoneServer(table)
  const clock = { now: Date.parse('2026-01-05T10:00:00Z') }
  const ending = new AbortController()
  const verifier = new Verifier({
    ask: openAsking({ perSecond: 2000, patienceMs: 200 }),
    resolvers: () => [server],
    before: () => undefined,
    changed: () => undefined,
    turned: () => undefined,
    now: () => clock.now,
    dice: () => 0,
    ...more,
  })
  const running = verifier.run(ending.signal)
  onTestFinished(async () => {
    ending.abort()
    await running
  })
  const states = (name: string) => verifier.look(name)?.found.records.map(({ state }) => state)
  return {
    verifier,
    clock,
    states,
    table,
    looks: (domain: string) => asked.filter((q) => q === `TXT _dmarc.${domain}`).length,
  }
}

test.concurrent('a domain in order is looked at every hour and a broken one every five minutes, and changes are noticed', async () => {
  const { verifier, clock, states, table, looks } = await start({ 'TXT _dmarc.good.example': policy('good.example') })
  verifier.give(
    new Map([
      ['m/good', checks('good.example')],
      ['m/bad', checks('bad.example')],
    ]),
  )
  await until('both are looked at', () => states('m/good') && states('m/bad'))
  expect([states('m/good'), states('m/bad')]).toEqual([['Match'], ['Missing']])
  table['TXT _dmarc.bad.example'] = policy('bad.example')
  clock.now += 5 * minute
  await until('it is mended', () => states('m/bad')?.[0] === 'Match')
  expect(looks('good.example')).toBe(1)
  delete table['TXT _dmarc.good.example']
  clock.now += 55 * minute
  await until('the other one is broken', () => states('m/good')?.[0] === 'Missing')
  expect(verifier.look('m/good')).toMatchObject({ at: clock.now, found: { brokenSince: clock.now } })
})

test.concurrent('the record of a new key is looked for after 5, 10, 20 and 40 seconds and so on, and once more only after the ordinary time', async () => {
  const { verifier, clock, states, table } = await start({})
  const made = clock.now
  const pending = checks('new.example', { waiting: [{ stage: 'Pending', since: made, names: [] }] })
  verifier.give(new Map([['m/new', pending]]))
  await until('it is looked at', () => states('m/new'))
  for (const seconds of [5, 10, 20, 40]) {
    clock.now = made + seconds * 1000
    await until(`it is looked at after ${seconds} s`, () => verifier.look('m/new')?.at === clock.now)
  }
  table['TXT _dmarc.new.example'] = policy('new.example')
  clock.now = made + 80_000
  await until('its record is seen', () => states('m/new')?.[0] === 'Match')

  const seen = clock.now
  const published = { ...pending, waiting: [{ stage: 'Published', since: seen + 1000, names: [] }] } as const
  verifier.give(new Map([['m/new', published]]))
  expect(states('m/new'), 'what was seen stays').toEqual(['Match'])
  clock.now = seen + 5 * minute
  verifier.give(
    new Map([
      ['m/new', published],
      ['m/other', checks('other.example')],
    ]),
  )
  await until('another one is looked at', () => states('m/other'))
  expect(verifier.look('m/new')?.at).toBe(seen)
  clock.now = seen + 5 * minute + 2000
  await until('it is looked at once more', () => verifier.look('m/new')?.at === clock.now)
})

test.concurrent('a resolver is not asked for the record of a key that waits for it before the name servers of the zone show it', async () => {
  const name = 's1._domainkey.new.example'
  const asked: string[] = []
  let zone: readonly string[] = []
  const found = (...records: readonly string[]) =>
    ({ is: 'records', records, ttl: 60, authenticated: false, own: true }) as const
  const ask: Verifying['ask'] = async ([server], query) => {
    if (query.type === 'NS') return found('ns1.new.example')
    if (query.name === 'ns1.new.example') return query.type === 'A' ? found('192.0.2.1') : { is: 'absent', own: true }
    asked.push(server?.address === '192.0.2.1' ? 'name server' : 'resolver')
    return zone.length > 0 ? found(...zone) : { is: 'absent', own: true }
  }
  const { verifier, clock } = await start({}, { ask })
  const waiting = [{ stage: 'Pending', since: clock.now, names: [name] }] as const
  const wanted = recordsWanted('new.example', {}, [{ selector: 's1', type: 'ed25519', publicKey: 'AAAA' }])
  verifier.give(new Map([['m/new', checks('new.example', { wanted, waiting })]]))
  const record = () => verifier.look('m/new')?.found.records[0]
  await until('it is looked at', record)
  expect([record()?.state, record()?.seen, asked]).toEqual(['Missing', 'nowhere', ['name server']])
  zone = ['v=DKIM1; k=ed25519; p=AAAA']
  clock.now += 5000
  await until('it is seen', () => record()?.seen === 'everywhere')
  expect(asked).toEqual(['name server', 'name server', 'resolver'])
})

test.concurrent('a look that the time brings counts beside another one only after verifyEvery, and the first one at other checks by itself', async () => {
  const { verifier, clock, states } = await start({})
  const pending = checks('new.example', { waiting: [{ stage: 'Pending', since: clock.now, names: [] }] })
  verifier.give(new Map([['m/new', pending]]))
  await until('it is looked at', () => states('m/new'))
  expect(verifier.look('m/new')?.apartMs).toBe(0)
  clock.now += 5000
  await until('it is looked at soon', () => verifier.look('m/new')?.at === clock.now)
  expect(verifier.look('m/new')?.apartMs).toBe(5 * minute)
  verifier.give(new Map([['m/new', { ...pending, verifyEveryMs: 6 * minute }]]))
  await until('it is looked at by other checks', () => states('m/new'))
  expect(verifier.look('m/new')?.apartMs).toBe(0)
})

test.concurrent('a domain that is edited again before each look at it ends is looked at all the same, and at once after the last edit', async () => {
  let asked = 0
  const edited = () => new Map([['m/new', checks('new.example', { verifyEveryMs: (1000 + asked) * minute })]])
  const ask: Verifying['ask'] = async () => {
    asked += 1
    await setImmediate()
    if (!verifier.look('m/new')) verifier.give(edited())
    return { is: 'absent', own: true }
  }
  const ends: number[] = []
  const { verifier, states } = await start({}, { ask, changed: () => ends.push(asked) })
  verifier.give(edited())
  await until('it is looked at, and once more', () => ends.length > 1)
  expect(states('m/new')).toEqual(['Missing'])
  expect(ends).toEqual([ends[0], 2 * Number(ends[0])])
})

test.concurrent('a clock that is set back by a day delays no look', async () => {
  const { verifier, clock, states, table } = await start({})
  verifier.give(new Map([['m/a', checks('a.example')]]))
  await until('it is looked at', () => states('m/a'))
  expect(states('m/a')).toEqual(['Missing'])
  table['TXT _dmarc.a.example'] = policy('a.example')
  clock.now -= 24 * 60 * minute
  await until('it is mended', () => states('m/a')?.[0] === 'Match')
  expect(verifier.look('m/a')?.at).toBe(clock.now)
})

test.concurrent('a domain is looked at again when other records are wanted, and no more when none are', async () => {
  const { verifier, clock, states, looks } = await start({ 'TXT _dmarc.a.example': policy('a.example') })
  verifier.give(new Map([['m/a', checks('a.example')]]))
  await until('it is looked at', () => states('m/a'))
  verifier.give(new Map([['m/a', checks('a.example')]]))
  expect(states('m/a'), 'the same is wanted').toEqual(['Match'])
  const stricter = recordsWanted('a.example', { dmarc: { minimumPolicy: 'reject' } }, [])
  verifier.give(new Map([['m/a', checks('a.example', { wanted: stricter })]]))
  expect(states('m/a')).toBeUndefined()
  await until('it is looked at again', () => states('m/a'))
  expect(states('m/a')).toEqual(['Mismatch'])
  verifier.give(new Map())
  const before = looks('a.example')
  clock.now += 600 * minute
  verifier.give(new Map([['m/b', checks('b.example')]]))
  await until('another one is looked at', () => states('m/b'))
  expect(looks('a.example')).toBe(before)
})

test.concurrent('a broken domain is also looked at when its grace ends, and that its mail is held back from then on is told once', async () => {
  let turns = 0
  const turned = () => {
    turns += 1
  }
  const { verifier, clock, states, table } = await start({}, { turned })
  verifier.give(new Map([['m/a', checks('a.example', { whenBroken: { action: 'Defer', graceMs: minute } })]]))
  await until('it is looked at', () => states('m/a'))
  clock.now += minute
  expect(turns).toBe(0)
  await until('the grace is over', () => verifier.look('m/a')?.at === clock.now)
  expect(turns).toBe(1)
  clock.now += 5 * minute
  await until('it is looked at again', () => verifier.look('m/a')?.at === clock.now)
  expect(turns).toBe(1)
  table['TXT _dmarc.a.example'] = policy('a.example')
  clock.now += 5 * minute
  await until('it is mended', () => states('m/a')?.[0] === 'Match')
  expect(turns).toBe(2)
})

test.concurrent('a hundred broken domains that are always due keep no other domain waiting for ever', async () => {
  const { server } = await startZoneServer({ 'TXT _dmarc.good.example': policy('good.example') })
  const real = openAsking({ perSecond: 2000 })
  const { verifier, clock, states } = await start(
    {},
    {
      resolvers: () => [server],
      ask: async (...args) => {
        // Each look takes longer than the time until the next one of all that are broken.
        clock.now += minute
        return real(...args)
      },
    },
  )
  const broken = Array.from(
    { length: 100 },
    (_, i) => [`m/${i}`, checks(`b${i}.example`, { verifyEveryMs: 1 })] as const,
  )
  verifier.give(new Map([...broken, ['m/good', checks('good.example')]]))
  const { at } = await until('it is looked at', () => states('m/good') && verifier.look('m/good'))
  await until('it is looked at again', () => (verifier.look('m/good')?.at ?? 0) > at)
})

test.concurrent('two hundred domains whose name servers are silent do not delay the first look at a new domain', async () => {
  const names = Array.from({ length: 200 }, (_, i) => `s${i}.example`)
  const silent: Table = Object.fromEntries(names.map((name) => [`TXT _dmarc.${name}`, 'silence']))
  const known = { records: [] }
  const { verifier, states } = await start(
    { ...silent, 'TXT _dmarc.new.example': policy('new.example') },
    { before: (name) => (name === 'm/new' ? undefined : known) },
  )
  const slow = names.map((name) => [`m/${name}`, checks(name)] as const)
  verifier.give(new Map(slow))
  verifier.give(new Map([...slow, ['m/new', checks('new.example')]]))
  await until('the new one is looked at', () => states('m/new'))
  expect(slow.filter(([name]) => states(name) !== undefined).length).toBeLessThan(100)
})
