/**
 * The zone of a sender domain is signed (DNSSEC) and served by BIND, and Unbound verifies it. Records that fail validation count as
 * unknown, neither absent nor wrong: a condition says so, and nothing is taken back.
 */
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { zoneFileLine } from '../../operator/lifecycle/txt-record.ts'
import { asRoot } from './as-root.ts'
import { nodemailer } from './client.ts'
import { credential, type Document, domain, plainReceiver, policy, routeTo } from './documents.ts'
import type { Fleet } from './fleet.ts'
import { message } from './message.ts'
import { startNamed } from './named.ts'
import { installed, programFile } from './programs.ts'
import { bytesOf, type Receiver } from './receiver.ts'
import { signedZone } from './signed-zone.ts'
import { openStage, type Stage } from './stage.ts'
import { startUnbound } from './unbound.ts'
import { until } from './until.ts'

const zone = 'corp.test'
const from = `app@${zone}`
/** Addresses of this run alone, since both servers have to be on port 53. */
const tail = `${process.pid % 250}.${(process.pid >> 8) % 250}`
const [bind, unbound] = [`127.60.${tail}`, `127.61.${tail}`]
/** More records at the domain's name than fit into 1,232 octets of UDP, and the SPF record that the domain's own includes. */
const others = [
  ...Array.from({ length: 20 }, (_, i) => `@ TXT "verification-${i}=${'x'.repeat(90)}"`),
  'spf TXT "v=spf1 ip4:192.0.2.0/24 -all"',
]

type Found = { readonly name: string; readonly purpose: string; readonly want: string; readonly state: string }
type Status = {
  readonly dkimKeys?: readonly { readonly selector: string; readonly stage: string }[]
  readonly records?: readonly Found[]
}

const canRun = installed('aiosmtpd', 'named', 'dnssec-signzone', 'unbound', 'dig', 'ip') && asRoot('port 53')

describe.runIf(canRun)('a sender domain in a signed zone', () => {
  let stage: Stage
  let named: Awaited<ReturnType<typeof startNamed>> | undefined
  let resolver: Awaited<ReturnType<typeof startUnbound>> | undefined
  let signing: ReturnType<typeof signedZone>
  let receiver: Receiver
  let fleet: Fleet
  let edits = 100

  const corp = (): Document =>
    domain('corp', {
      domain: zone,
      dkim: { algorithms: ['rsa2048'] },
      dns: { resolvers: [unbound] },
      expect: { spf: { include: [`spf.${zone}`] }, dmarc: { minimumPolicy: 'quarantine' } },
      // There is no grace: mail is refused as soon as a record counts as broken.
      whenBroken: { action: 'Refuse', grace: '1ms' },
      verifyEvery: `${edits}s`,
    })

  const loopback = (verb: 'add' | 'delete'): void => {
    for (const one of [bind, unbound]) execFileSync('ip', ['address', verb, `${one}/32`, 'dev', 'lo'])
  }
  beforeAll(async () => {
    loopback('add')
    stage = openStage()
    signing = signedZone(join(stage.folder, 'keys'), zone, bind)
    const zones = { test: [], [zone]: signing.signatures([]) }
    named = await startNamed(join(stage.folder, 'named'), { side: ['env'], address: bind, zones })
    resolver = await startUnbound(join(stage.folder, 'unbound'), {
      address: unbound,
      server: bind,
      zones: Object.keys(zones),
      anchorFiles: [signing.anchorFile],
    })
    receiver = await stage.receiver()
    const route = routeTo(plainReceiver(receiver.port))
    fleet = await stage.fleet([await policy({ routes: [route] }), credential('app'), corp()])
  })
  afterAll(async () => {
    await stage?.close()
    await resolver?.stop()
    await named?.stop()
    loopback('delete')
  })

  const status = (): Status =>
    parse(readFileSync(join(fleet.folder, 'state/status.yaml'), 'utf8'))['SenderDomain mail/corp'] ?? {}
  const records = (): readonly Found[] => status().records ?? []
  const states = (): string =>
    records()
      .map((r) => `${r.purpose} ${r.state}`)
      .join()
  const stages = (): string => (status().dkimKeys ?? []).map(({ stage }) => stage).join()
  const said = (type: string): string => {
    const condition = fleet.condition('SenderDomain mail/corp', type)
    return `${condition?.status} ${condition?.reason}`
  }
  const told = (): string => fleet.condition('SenderDomain mail/corp', 'RecordsPublished')?.message ?? ''
  const well = 'SPF Match,DKIM Match,DMARC Match'

  /** Waits until `holds`; each edit of the domain has its records looked at at once. */
  const looks = (what: string, holds: () => boolean): Promise<unknown> =>
    until(
      what,
      () => {
        if (holds()) return true
        edits += 1
        fleet.write(corp())
        return false
      },
      30_000,
      1000,
    ).catch((e: Error) => {
      throw new Error(`${e.message}: ${states()}; ${stages()}; ${told()}`)
    })

  const dig = (...question: readonly string[]): string =>
    execFileSync(programFile('dig') ?? 'dig', [`@${unbound}`, '+tries=1', ...question], { encoding: 'utf8' })
  const names = (): readonly string[] => records().map(({ name }) => name)
  const verified = (): boolean =>
    names().length === 3 &&
    names().every((name) => / status: NOERROR.*flags: qr rd ra ad;/s.test(dig('+adflag', 'TXT', name)))
  const failing = (): boolean => names().every((name) => dig('TXT', name).includes(' status: SERVFAIL'))

  /** What a person writes into the zone who pastes the wanted records, with a TTL of a second so that changes are soon seen. */
  const wanted = (): readonly string[] => [
    ...others,
    ...records().map(({ name, want }) => zoneFileLine({ name, type: 'TXT', value: want }).replace(' 3600 ', ' 1 ')),
  ]
  /** The same texts split at other places: earlier signatures do not fit, and whoever does not verify sees no difference. */
  const splitElsewhere = (): readonly string[] => [
    ...others,
    ...records().map(({ name, want }) => `${name}. TXT ${want.replace(/.{1,8}/g, '"$&" ')}`),
  ]

  async function isSigned(): Promise<boolean> {
    const id = `${randomUUID()}@${zone}`
    await nodemailer(fleet.binding('app'), { from, to: 'someone@elsewhere.test', raw: message({ from, id }) })
    const arrival = await until('the message arrives', () => receiver.arrivals().find((a) => bytesOf(a).includes(id)))
    return bytesOf(arrival).includes('DKIM-Signature')
  }

  async function publish(): Promise<void> {
    await until('the records are known', () => records().length === 3)
    named?.reload(zone, [...wanted(), ...signing.signatures(wanted())])
    await until('Unbound has verified the records', verified)
    await looks('all is published', () => stages() === 'Active' && said('RecordsPublished') === 'True Published')
  }

  async function breakSignatures(): Promise<void> {
    named?.reload(zone, [...splitElsewhere(), ...signing.signatures(wanted())])
    await until('Unbound answers with SERVFAIL', failing)
  }

  test('is in order when Unbound has verified its records, also one that comes by TCP', async () => {
    named?.reload(zone, signing.signatures([]))
    await looks('all three are missing', () => states() === 'SPF Missing,DKIM Missing,DMARC Missing')
    await publish()
    expect(dig('+ignore', '+bufsize=1232', 'TXT', zone), 'too long for UDP').toMatch(/flags: qr tc/)
    expect(states()).toBe(well)
    await fleet.programmed()
    expect(await isSigned()).toBe(true)
  }, 90_000)

  test('when signatures do not fit, nothing is taken back, and the condition says which resolver can not tell, and why', async () => {
    await publish()
    const key = status().dkimKeys
    await breakSignatures()
    await until('Unbound logs that validation failed', () =>
      resolver?.log().includes(`validation failure <${zone}. TXT IN>`),
    )
    const doubt = (name: string): string =>
      `TXT ${name}: resolver ${unbound}: SERVFAIL, and an answer without DNSSEC validation`
    await looks('the condition tells of all three records', () => names().every((name) => told().includes(doubt(name))))
    expect(said('RecordsPublished')).toBe('Unknown ResolverTrouble')
    expect(states()).toBe(well)
    expect(['SPFValid', 'DKIMValid', 'DMARCValid', 'Ready'].map(said).join()).toBe(
      'True RecordMatches,True RecordMatches,True RecordMatches,True Ready',
    )
    expect(status().dkimKeys).toEqual(key)
    expect(await isSigned()).toBe(true)
  }, 60_000)

  test('is in order again within seconds when its zone is signed again', async () => {
    await publish()
    await breakSignatures()
    await looks('the condition tells of the resolver', () => said('RecordsPublished') === 'Unknown ResolverTrouble')
    named?.reload(zone, [...splitElsewhere(), ...signing.signatures(splitElsewhere())])
    await until('Unbound has verified the records', verified)
    await looks('the condition says that all is published', () => said('RecordsPublished') === 'True Published')
    expect(states()).toBe(well)
    expect(stages()).toBe('Active')
  }, 60_000)

  test('a forged record that revokes a DKIM key does not revoke it, not even beside a forged NS record', async () => {
    await publish()
    const [, dkim = ''] = names()
    const forged = wanted().map((line) => line.replace(/p=[A-Za-z0-9+/]{64}.*$/, 'p="'))
    const signatures = signing.signatures(wanted())
    named?.reload(zone, [...forged, '@ NS ns.elsewhere.test.', ...signatures])
    await until('Unbound answers for neither record', () =>
      [dig('NS', zone), dig('TXT', dkim)].every((answer) => answer.includes(' status: SERVFAIL')),
    )
    expect(dig('+cdflag', 'TXT', dkim)).toContain('"v=DKIM1; k=rsa; p="')
    await looks('the condition tells of the resolver', () => said('RecordsPublished') === 'Unknown ResolverTrouble')
    expect(told()).toContain(`TXT ${dkim}: resolver ${unbound}: SERVFAIL`)
    expect(states()).toBe(well)
    expect(stages()).toBe('Active')
    expect(await isSigned()).toBe(true)
  }, 60_000)
})
