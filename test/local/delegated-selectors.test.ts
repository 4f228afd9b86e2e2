/**
 * A domain's owner has delegated two DKIM selectors by CNAMEs, once. Keys then take turns in the platform team's zone, up to the
 * one that has the first selector again, and mail verifies at each moment by what BIND answers.
 */
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { Resolver } from 'node:dns/promises'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import type { DkimKeyStatus } from '../../operator/lifecycle/recorded-dkim-keys.ts'
import { zoneFileLine } from '../../operator/lifecycle/txt-record.ts'
import { asRoot } from './as-root.ts'
import { nodemailer } from './client.ts'
import { credential, type Document, domain, plainReceiver, policy, routeTo } from './documents.ts'
import { type Fleet, startFleet } from './fleet.ts'
import { message } from './message.ts'
import { startNamed } from './named.ts'
import { installed } from './programs.ts'
import { bytesOf, type Receiver } from './receiver.ts'
import { openStage, type Stage } from './stage.ts'
import { until } from './until.ts'

const from = 'app@corp.test'
/** An address of this run alone, since the server of a resolver has to be on port 53. */
const address = `127.59.${process.pid % 250}.${(process.pid >> 8) % 250}`
const [first, second] = ['rf-prod-rsa-1', 'rf-prod-rsa-2']
/** The records that the owner of the domain adds before there is a key, and never edits again. */
const aliases = [first, second].map((s) => `${s}._domainkey.corp.test. CNAME ${s}.corp.test._dkim.keys.test.`)
const hour = 3_600_000

type Status = {
  readonly dkimKeys?: readonly DkimKeyStatus[]
  readonly records?: readonly {
    readonly name: string
    readonly type: 'TXT' | 'CNAME'
    readonly purpose: string
    readonly want: string
    readonly state: string
  }[]
}

describe.runIf(installed('aiosmtpd', 'named', 'ip') && asRoot('port 53'))('two delegated selectors', () => {
  const resolver = new Resolver()
  resolver.setServers([address])
  let stage: Stage
  let named: Awaited<ReturnType<typeof startNamed>> | undefined
  let receiver: Receiver
  let fleet: Fleet
  let folder = ''
  let documents: readonly Document[] = []
  let edits = 100

  const corp = (): Document =>
    domain('corp', {
      domain: 'corp.test',
      dkim: { algorithms: ['rsa2048'] },
      dns: { publisher: 'CNAME', targetZone: 'keys.test', resolvers: [address] },
      verifyEvery: `${edits}s`,
    })

  beforeAll(async () => {
    execFileSync('ip', ['address', 'add', `${address}/32`, 'dev', 'lo'])
    stage = openStage()
    const zones = { test: [], 'corp.test': aliases, 'keys.test': [] }
    named = await startNamed(join(stage.folder, 'named'), { side: ['env'], address, zones })
    receiver = await stage.receiver()
    folder = join(stage.folder, 'fleet')
    mkdirSync(folder)
    documents = [await policy({ routes: [routeTo(plainReceiver(receiver.port))] }), credential('app')]
    fleet = await startFleet(folder, [...documents, corp()])
  }, 60_000)
  afterAll(async () => {
    await fleet?.stop()
    await named?.stop()
    await stage?.close()
    execFileSync('ip', ['address', 'delete', `${address}/32`, 'dev', 'lo'])
  })

  const statusFile = (): string => join(folder, 'state/status.yaml')
  const status = (): Status => parse(readFileSync(statusFile(), 'utf8'))['SenderDomain mail/corp'] ?? {}
  const stages = (): string => (status().dkimKeys ?? []).map((k) => `${k.selector} ${k.stage}`).join(', ')
  const keyOf = (selector: string): string => status().dkimKeys?.find((k) => k.selector === selector)?.publicKey ?? ''

  /** Waits until the keys are in these stages; each edit of the domain has its records looked at at once. */
  const reaches = (wanted: string): Promise<unknown> =>
    until(
      wanted,
      () => {
        if (stages() === wanted) return true
        edits += 1
        fleet.write(corp())
        return false
      },
      30_000,
      1000,
    ).catch(() => expect(stages()).toBe(wanted))

  /** Makes what is recorded of the keys so many hours older, as if the operator had been away for that long. */
  async function passes(hours: number): Promise<void> {
    await fleet.stop()
    const all = parse(readFileSync(statusFile(), 'utf8'))
    for (const key of all['SenderDomain mail/corp'].dkimKeys)
      key.since = new Date(Date.parse(key.since) - hours * hour).toISOString()
    writeFileSync(statusFile(), stringify(all))
    fleet = await startFleet(folder, [...documents, corp()])
  }

  /** Writes the wanted records into the zone of the platform team, and nothing else, as a person who pastes them does. */
  async function publish(): Promise<void> {
    const wanted = await until('the records of all keys are wanted, and no others', () => {
      const { records = [], dkimKeys = [] } = status()
      const texts = records.filter(({ purpose, type }) => purpose === 'DKIM' && type === 'TXT')
      const keys = dkimKeys.filter((k) => k.stage !== 'Retired').map((k) => k.publicKey)
      return keys.length === texts.length && keys.every((k) => texts.some(({ want }) => want.endsWith(k))) && texts
    })
    named?.reload(
      'keys.test',
      wanted.map(({ name, type, want }) => zoneFileLine({ name, type, value: want })),
    )
    const texts = wanted.map(({ want }) => want).toSorted()
    await until('BIND has the wanted records', async () => {
      const found = await Promise.all([first, second].map((s) => txt(`${s}._domainkey.corp.test`)))
      return found.flat().toSorted().join() === texts.join()
    })
  }

  /** Follows the alias to the TXT records, as every receiver does. */
  async function txt(name: string): Promise<readonly string[]> {
    try {
      const [target = ''] = await resolver.resolveCname(name)
      return (await resolver.resolveTxt(target)).map((strings) => strings.join(''))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'ENOTFOUND' && code !== 'ENODATA') throw error
      return []
    }
  }

  async function sent(): Promise<Buffer> {
    const id = `${randomUUID()}@corp.test`
    await nodemailer(fleet.binding('app'), { from, to: 'someone@elsewhere.test', raw: message({ from, id }) })
    const arrival = await until('the message arrives', () => receiver.arrivals().find((a) => bytesOf(a).includes(id)))
    return Buffer.from(bytesOf(arrival), 'latin1')
  }
  /** `selector result` of each signature in the message, verified by the records that BIND has. */
  async function verdicts(mail: Buffer): Promise<readonly string[]> {
    const { results } = await dkimVerify(mail, { resolver: async (name) => (await txt(name)).map((text) => [text]) })
    return results.flatMap(({ selector, status: { result } }) => (selector ? [`${selector} ${result}`] : []))
  }
  const signedBy = (selector: string): Promise<unknown> =>
    until(`mail is signed by ${selector}, and good`, async () => {
      const told = await verdicts(await sent())
      expect(told.filter((text) => !text.endsWith(' pass'))).toEqual([])
      return told.join() === `${selector} pass`
    })

  test('carry three keys one after the other, the third where the first was, and mail verifies throughout', async () => {
    await reaches(`${first} Pending`)
    expect(await verdicts(await sent())).toEqual([])
    await until('both aliases are seen', () => {
      const states = (status().records ?? []).filter(({ type }) => type === 'CNAME').map(({ state }) => state)
      return states.join() === 'Match,Match'
    })
    await publish()
    await reaches(`${first} Active`)
    await signedBy(first)
    const old = keyOf(first)
    const underWay = await sent()

    await passes(2160)
    await reaches(`${first} Active, ${second} Pending`)
    await publish()
    await reaches(`${first} Active, ${second} Published`)
    await signedBy(first)
    await passes(3)
    await reaches(`${first} Retiring, ${second} Active`)
    await signedBy(second)
    expect(await verdicts(underWay), 'mail that is under way').toEqual([`${first} pass`])

    await passes(169)
    await reaches(`${first} Retired, ${second} Active`)
    await until(
      'the private key of the retired key is erased',
      () => readdirSync(join(folder, 'state/mail/dkim/corp')).join() === `${second}.pem`,
    )
    await publish()
    await signedBy(second)

    await passes(2160)
    await reaches(`${second} Active, ${first} Pending`)
    expect(keyOf(first)).not.toBe(old)
    await publish()
    await reaches(`${second} Active, ${first} Published`)
    await signedBy(second)
    await passes(3)
    await reaches(`${second} Retiring, ${first} Active`)
    await signedBy(first)
  }, 240_000)
})
