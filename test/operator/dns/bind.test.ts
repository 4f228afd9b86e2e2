/** Records at BIND, a real authoritative server, are seen when they are published, broken, cut off, behind aliases or gone with their zone. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openAsking } from '../../../operator/dns/ask.ts'
import { observe } from '../../../operator/dns/observe.ts'
import type { DomainRecords } from '../../../operator/lifecycle/domain-records.ts'
import { recordsWanted } from '../../../operator/lifecycle/records-wanted.ts'
import { asRoot } from '../../local/as-root.ts'
import { startNamed } from '../../local/named.ts'
import { installed, programFile } from '../../local/programs.ts'
import { until } from '../../local/until.ts'

/** An address for this run alone, since other runs may have a name server too; BIND listens only at addresses of an interface. */
const address = `127.53.${process.pid % 250}.${(process.pid >> 8) % 250}`

const key = 'A'.repeat(392)
const good = [
  '@ TXT "v=spf1 include:spf.partner.test -all"',
  ...Array.from({ length: 120 }, (_, i) => `@ TXT "verification-${i}=${'x'.repeat(90)}"`),
  `s1._domainkey TXT "v=DKIM1; k=rsa; p=${key.slice(0, 200)}" "${key.slice(200)}"`,
  '_dmarc CNAME _dmarc.partner.test.',
]
const target = 's1.owner.test._dkim.keys.test'
const aliases = [`s1._domainkey CNAME ${target}.`]
const delegated = ['s1.owner.test._dkim TXT "v=DKIM1; k=rsa; p=AAAA"']
const partner = ['spf TXT "v=spf1 ip4:192.0.2.0/24 -all"', '_dmarc TXT "v=DMARC1; p=quarantine"']

describe.runIf(installed('named', 'ip') && asRoot('port 53'))('at BIND', () => {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-bind-'))
  let named: Awaited<ReturnType<typeof startNamed>>
  const loopback = (verb: 'add' | 'del') =>
    execFileSync(programFile('ip') ?? 'ip', ['address', verb, `${address}/32`, 'dev', 'lo'])
  beforeAll(async () => {
    loopback('add')
    const zones = {
      test: [],
      'sender.test': good,
      'owner.test': aliases,
      'keys.test': delegated,
      'partner.test': partner,
      'broken.test': undefined,
    }
    named = await startNamed(join(folder, 'named'), { side: ['env'], address, zones })
  })
  afterAll(async () => {
    await named?.stop()
    loopback('del')
    rmSync(folder, { recursive: true })
  })

  const ask = openAsking({ perSecond: 1000, patienceMs: 1000 })
  const wantedOf = (domain: string) =>
    recordsWanted(
      domain,
      { spf: { include: ['spf.partner.test'], addresses: ['192.0.2.7'] }, dmarc: { minimumPolicy: 'quarantine' } },
      [{ selector: 's1', type: 'rsa', publicKey: key }],
    )
  const look = (domain: string, before?: DomainRecords): Promise<DomainRecords> =>
    observe(
      { domain, wanted: wantedOf(domain), resolvers: [{ address, port: 53 }], before },
      { ask, now: Date.now, dice: Math.random, signal: new AbortController().signal },
    )
  const states = ({ records }: DomainRecords) => records.map((r) => `${r.purpose} ${r.state} ${r.seen}`)
  const well = ['SPF Match everywhere', 'DKIM Match everywhere', 'DMARC Match everywhere']

  test('120 TXT records, a key in two strings and a policy behind an alias are seen at the name server and at the resolver', async () => {
    const found = await look('sender.test')
    expect(states(found)).toEqual(well)
    expect(found.records[1]?.showing).toEqual(['name server ns.test', `resolver ${address}`])
  })

  test('a change of the zone is noticed at the next look, and so is its mend', async () => {
    const first = await look('sender.test')
    named.reload('sender.test', ['@ TXT "v=spf1 -all"', 's1._domainkey TXT "v=DKIM1; k=rsa; p="'])
    let found = first
    const broken = ['SPF Mismatch nowhere', 'DKIM Mismatch nowhere', 'DMARC Missing nowhere']
    await until('the change is there', async () => {
      found = await look('sender.test', first)
      return states(found).join() === broken.join()
    })
    expect(found.brokenSince).toBeGreaterThan(0)
    expect(found.records[1]?.message).toContain('the key is revoked')
    named.reload('sender.test', good)
    await until('it is mended', async () => states(await look('sender.test', found)).join() === well.join())
  })

  test('the record of a retired key is reported until it is gone from the zone', async () => {
    const wanted = recordsWanted('sender.test', {}, [], [{ selector: 's1', type: 'rsa', publicKey: key }])
    const resolvers = [{ address, port: 53 }]
    const looking = { ask, now: Date.now, dice: Math.random, signal: new AbortController().signal }
    const again = (before?: DomainRecords) => observe({ domain: 'sender.test', wanted, resolvers, before }, looking)
    const there = await again()
    expect(states(there)).toEqual(['RetiredKey Leftover nowhere'])
    named.reload('sender.test', [])
    await until('it is gone', async () => (await again(there)).records.length === 0)
    named.reload('sender.test', good)
    await until('it is mended', async () => states(await look('sender.test')).join() === well.join())
  })

  test('a delegated selector is followed into the zone that has its record, and the name servers of that zone are asked', async () => {
    const keys = [{ selector: 's1', type: 'rsa', publicKey: 'AAAA', delegatedTo: target }] as const
    const vacant = [{ selector: 's2', delegatedTo: 's2.owner.test._dkim.keys.test' }]
    const looked = () =>
      observe(
        {
          ...{ domain: 'owner.test', wanted: recordsWanted('owner.test', {}, keys, [], vacant) },
          ...{ resolvers: [{ address, port: 53 }], before: undefined },
        },
        { ask, now: Date.now, dice: Math.random, signal: new AbortController().signal },
      )
    const found = await looked()
    expect(states(found)).toEqual(['DKIM Match everywhere', 'DKIM Match everywhere', 'DKIM Missing nowhere'])
    expect(found.records.map((r) => r.showing.length)).toEqual([2, 2, 0])
    named.reload('keys.test', ['s1.owner.test._dkim TXT "v=DKIM1; k=rsa; p=BBBB"'])
    await until('another key is there', async () => (await looked()).records[1]?.state === 'Mismatch')
  })

  test('a zone that the server can not load (SERVFAIL) does not make a record that matched count as broken', async () => {
    const before = {
      records: (await look('sender.test')).records.map((r) => ({ ...r, name: r.name.replace('sender', 'broken') })),
    }
    const found = await look('broken.test', before)
    expect(states(found)).toEqual(['SPF Match nowhere', 'DKIM Match nowhere', 'DMARC Match nowhere'])
    expect(found.brokenSince).toBeUndefined()
    expect(states(await look('broken.test'))[0]).toBe('SPF Unknown nowhere')
  })
})
