/** Keys that a domain's owner provides, end to end: from a Secret in the directory to a signature that others verify. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { DkimKeyStatus } from '../../operator/lifecycle/recorded-dkim-keys.ts'
import { ed25519Key, rsaKey, type TestKey, verdicts } from '../relay/delivery/signing-keys.ts'
import { nodemailer } from './client.ts'
import { credential, domain, plainReceiver, policy, routeTo, secret } from './documents.ts'
import type { Fleet } from './fleet.ts'
import { message } from './message.ts'
import { installed } from './programs.ts'
import { bytesOf, type Receiver } from './receiver.ts'
import { openStage, type Stage } from './stage.ts'
import { until } from './until.ts'

const from = 'app@corp.test'
const [r1, e1, r2] = [rsaKey('r1'), ed25519Key('e1'), rsaKey('r2')]
const pems = (keys: readonly TestKey[]) =>
  Object.fromEntries(keys.map(({ config, pem }) => [`${config.selector}.pem`, pem]))
const dkim = { mode: 'Provided', secretRef: { name: 'corp-dkim' } }

describe.runIf(installed('aiosmtpd'))('a domain whose keys are provided', () => {
  let stage: Stage
  let receiver: Receiver
  let fleet: Fleet
  beforeAll(async () => {
    stage = openStage()
    receiver = await stage.receiver()
  })
  afterAll(() => stage.close())

  async function startWith(...keys: readonly TestKey[]): Promise<void> {
    fleet = await stage.fleet([
      await policy({ routes: [routeTo(plainReceiver(receiver.port))] }),
      secret('corp-dkim', pems(keys)),
      domain('corp', { domain: 'corp.test', dkim }),
      credential('app'),
    ])
  }

  /** What mailauth says of a new message, by the records that the status asks for. */
  async function verified(): Promise<readonly string[]> {
    const id = `${randomUUID()}@corp.test`
    await nodemailer(fleet.binding('app'), { from, to: 'someone@elsewhere.test', raw: message({ from, id }) })
    const arrival = await until('the message arrives', () => receiver.arrivals().find((a) => bytesOf(a).includes(id)))
    return verdicts(Buffer.from(bytesOf(arrival), 'latin1'), 'corp.test', recordsWanted())
  }
  const recorded = (): readonly DkimKeyStatus[] =>
    parse(readFileSync(join(fleet.folder, 'state/status.yaml'), 'utf8'))['SenderDomain mail/corp'].dkimKeys
  const recordsWanted = (): readonly TestKey[] =>
    recorded().map(({ selector, algorithm, publicKey }) => ({
      config: { selector, algorithm: 'rsa-sha256', keyFile: '' },
      pem: '',
      record: `v=DKIM1; k=${algorithm === 'ed25519' ? 'ed25519' : 'rsa'}; p=${publicKey}`,
    }))

  test('has its mail signed by each of them, and its status says what their records have to be', async () => {
    await startWith(r1, e1)
    expect(await verified()).toEqual(['r1 rsa-sha256 pass', 'e1 ed25519-sha256 pass'])
    expect(recorded().map((k) => `${k.selector} ${k.algorithm} ${k.stage}`)).toEqual([
      'r1 rsa2048 Active',
      'e1 ed25519 Active',
    ])
  })

  test('has its mail signed by a key that replaces the others, from then on', async () => {
    await startWith(r1, e1)
    fleet.write(secret('corp-dkim', pems([r2])))
    const stages = () => recorded().map((k) => `${k.selector} ${k.stage}`)
    // The records of the keys before are wanted for as long as mail that they signed may be under way.
    await until('r2 signs', () => stages().join() === 'r2 Active,r1 Retiring,e1 Retiring').catch((e: Error) => {
      throw new Error(`${e.message}: ${stages()}`)
    })
    await fleet.programmed()
    expect(await verified()).toEqual(['r2 rsa-sha256 pass'])
  })

  test('keeps the key that it had when its Secret has a damaged one, and a condition says so', async () => {
    await startWith(r2)
    fleet.write(secret('corp-dkim', { 'r2.pem': 'damaged' }))
    const told = await until('ResolvedRefs is False', () => {
      const condition = fleet.condition('SenderDomain mail/corp', 'ResolvedRefs')
      return condition?.status === 'False' ? condition : undefined
    })
    expect(`${told.reason}: ${told.message}`).toMatch(
      /^InvalidSecret: Secret mail.corp-dkim can not be used: r2.pem: it is no/,
    )
    await fleet.programmed()
    expect(await verified()).toEqual(['r2 rsa-sha256 pass'])
  })

  test('has nothing signed by the relay where the smarthost signs', async () => {
    await startWith(r2)
    fleet.write(domain('corp', { domain: 'corp.test', dkim: { mode: 'Off', signedBy: 'Smarthost' } }))
    await until('nothing signs', async () => {
      const { hash } = await fleet.status()
      const config = readFileSync(join(fleet.folder, 'state/mail/fleets/shared/config/relay.json'), 'utf8')
      return !config.includes('"signing"') && hash === (await fleet.programmed())
    })
    const id = `${randomUUID()}@corp.test`
    await nodemailer(fleet.binding('app'), { from, to: 'someone@elsewhere.test', raw: message({ from, id }) })
    const arrival = await until('the message arrives', () => receiver.arrivals().find((a) => bytesOf(a).includes(id)))
    expect(bytesOf(arrival)).not.toContain('DKIM-Signature')
  })
})
