/** DKIM keys that local mode makes sign nothing before their records are seen, and sign what others can verify from then on. */
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { DkimKeyStatus } from '../../operator/lifecycle/recorded-dkim-keys.ts'
import { startZoneServer, type Table, txt } from '../operator/dns/zone-server.ts'
import { type TestKey, verdicts } from '../relay/delivery/signing-keys.ts'
import { asRoot } from './as-root.ts'
import { nodemailer } from './client.ts'
import { credential, domain, plainReceiver, policy, routeTo } from './documents.ts'
import type { Fleet } from './fleet.ts'
import { message } from './message.ts'
import { installed } from './programs.ts'
import { bytesOf, type Receiver } from './receiver.ts'
import { openStage, type Stage } from './stage.ts'
import { until } from './until.ts'

const from = 'app@corp.test'
/** An address of this run alone, since the server of a resolver has to be on port 53. */
const address = `127.57.${process.pid % 250}.${(process.pid >> 8) % 250}`

describe.runIf(installed('aiosmtpd') && asRoot('port 53'))('a domain whose keys local mode manages', () => {
  const table: Table = {}
  let stage: Stage
  let receiver: Receiver
  let fleet: Fleet
  const corp = (dkim: object) =>
    domain('corp', { domain: 'corp.test', dkim, dns: { resolvers: [address] }, verifyEvery: '1m' })
  beforeAll(async () => {
    stage = openStage()
    receiver = await stage.receiver()
    fleet = await stage.fleet([
      await policy({ routes: [routeTo(plainReceiver(receiver.port))] }),
      corp({}),
      credential('app'),
    ])
  })
  afterAll(() => stage.close())

  const recorded = (): readonly DkimKeyStatus[] => {
    const statuses = parse(readFileSync(join(fleet.folder, 'state/status.yaml'), 'utf8'))
    return statuses['SenderDomain mail/corp']?.dkimKeys ?? []
  }
  const stages = (): string =>
    recorded()
      .map((k) => `${k.algorithm} ${k.stage}`)
      .toSorted()
      .join()
  const keyFolder = (): string => join(fleet.folder, 'state/mail/dkim/corp')
  const recordOf = ({ algorithm, publicKey }: DkimKeyStatus): string =>
    `v=DKIM1; k=${algorithm === 'ed25519' ? 'ed25519' : 'rsa'}; p=${publicKey}`
  const published = (): readonly TestKey[] =>
    recorded().map((key) => ({
      config: { selector: key.selector, algorithm: 'rsa-sha256', keyFile: '' },
      pem: '',
      record: recordOf(key),
    }))
  /** Submits a message, and returns its signatures that verify. */
  async function verified(): Promise<readonly string[]> {
    const id = `${randomUUID()}@corp.test`
    await nodemailer(fleet.binding('app'), { from, to: 'someone@elsewhere.test', raw: message({ from, id }) })
    const arrival = await until('the message arrives', () => receiver.arrivals().find((a) => bytesOf(a).includes(id)))
    const told = await verdicts(Buffer.from(bytesOf(arrival), 'latin1'), 'corp.test', published())
    return told.filter((text) => text.endsWith(' pass')).map((text) => text.replace(/^\S+ /, ''))
  }

  test('has no mail signed while its records are missing, and all of it when they are seen', async () => {
    await startZoneServer(table, address, 53)
    await until('two keys wait', () => stages() === 'ed25519 Pending,rsa2048 Pending')
    const made = readdirSync(keyFolder()).toSorted()
    expect(made).toEqual(
      recorded()
        .map((k) => `${k.selector}.pem`)
        .toSorted(),
    )
    for (const file of made) expect(statSync(join(keyFolder(), file)).mode & 0o777).toBe(0o600)
    expect(await verified()).toEqual([])

    for (const key of recorded()) {
      const name = `${key.selector}._domainkey.corp.test`
      table[`TXT ${name}`] = { answers: txt(name, recordOf(key)) }
    }
    // An edit has the records looked at at once; a key signs after two looks that find its record.
    for (const overlap of ['100h', '101h', '102h', '103h']) {
      if (stages() === 'ed25519 Active,rsa2048 Active') break
      fleet.write({
        ...corp({ rotation: { overlap } }),
        spec: { ...(corp({ rotation: { overlap } })['spec'] as object), verifyEvery: `${overlap.slice(0, 3)}s` },
      })
      const before = stages()
      await until('the records are looked at', () => stages() !== before, 10_000).catch(() => undefined)
    }
    expect(stages()).toBe('ed25519 Active,rsa2048 Active')
    await fleet.programmed()
    await until('both signatures are good', async () => {
      const told = await verified()
      return told.join() === 'rsa-sha256 pass,ed25519-sha256 pass'
    })
    expect(readdirSync(keyFolder()).toSorted()).toEqual(made)
  }, 90_000)

  test('keeps its keys, and signs on, while its YAML has a typing error', async () => {
    const before = recorded()
    fleet.write(domain('corp', { domain: 'corp.test', dkim: { mode: 'Manged' } }))
    await until(
      'the domain is not accepted',
      () => fleet.condition('SenderDomain mail/corp', 'Accepted')?.status === 'False',
    )
    expect(recorded()).toEqual(before)
    expect(await verified()).toEqual(['rsa-sha256 pass', 'ed25519-sha256 pass'])
  })
})
