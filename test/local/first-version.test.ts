/**
 * The state folder in first-version/, as the first version left it, goes on with this one, as it does after an update. It was made by
 * `relayfleet local` of revision 78f55548, with objects as below and a next hop that did not answer: three messages to two recipients
 * each, and a SIGTERM. The authority and its certificates were taken out, which are made anew, and so was what is empty.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { parseConfig } from '../../relay/config.ts'
import { credential, domain, plainReceiver, policy, routeTo } from './documents.ts'
import { type Fleet, startFleet } from './fleet.ts'
import { startSwiftReceiver } from './receiver.ts'
import { SmtpSession } from './smtp-session.ts'
import { until } from './until.ts'

const recorded = join(import.meta.dirname, 'first-version')
const left = (file: string): string => readFileSync(join(recorded, file), 'utf8')
const fleetFolder = 'mail/fleets/shared'

/** Ten years: however long ago it was recorded, what was queued then is delivered. */
const expireAfter = '87600h'

/** The recorded fleet, and all that arrives at its next hop. */
async function started(): Promise<{ readonly fleet: Fleet; readonly arrived: () => readonly string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-first-version-'))
  cpSync(recorded, join(folder, 'state'), { recursive: true })
  const receiver = await startSwiftReceiver(folder)
  const route = { ...routeTo(plainReceiver(receiver.port)), retry: { schedule: ['1s'], expireAfter } }
  const identities = { addresses: ['app@corp.test', 'web@corp.test'] }
  const fleet = await startFleet(folder, [
    await policy({ routes: [route] }),
    domain('corp', { domain: 'corp.test', includeSubdomains: true }),
    credential('app', { identities, networks: { allow: ['127.0.0.0/8'] }, limits: { daily: 1000 } }),
  ])
  onTestFinished(async () => {
    await fleet.stop()
    await receiver.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  return { fleet, arrived: () => receiver.arrivals().flatMap(({ forwardPaths }) => forwardPaths) }
}

test('a state folder of the first version goes on: its mail is delivered, its password is taken, and nothing counts as another one (case S31)', async () => {
  const { fleet, arrived } = await started()
  const queued = [0, 1, 2].flatMap((i) => [`to-${i}@elsewhere.test`, 'inside@corp.test']).toSorted()
  await until('all of it has arrived', () => arrived().length >= queued.length)
  expect(arrived().toSorted()).toEqual(queued)
  const { login } = fleet.binding('app')
  expect(login).toEqual({ username: 'app.mail', password: left('mail/secrets/app/password') })
  const { keys } = JSON.parse(left('mail/keys/app.json')) as { readonly keys: readonly { readonly id: string }[] }
  const usage = JSON.parse(await fleet.page('/usage')) as { readonly keys: readonly object[] }
  const [, key, at] = left(`${fleetFolder}/key-uses`).split(' ')
  expect(usage.keys).toEqual([{ name: 'mail/app', key, at: new Date(Number(at)).toISOString(), client: '127.0.0.1' }])
  expect(keys.map(({ id }) => id)).toEqual([key])
  const session = await SmtpSession.open(fleet.binding('app'))
  session.close()
  expect(fleet.condition('RelayPolicy mail/shared', 'SpoolReset')).toBeUndefined()
  expect((await fleet.status()).spoolId).toBe(left(`${fleetFolder}/spool/identity`).trim())
  expect(fleet.log()).not.toMatch(/can not be kept|set aside|may arrive twice|configuration refused|unexpected/)
}, 60_000)

test('a configuration of the first version is read, with all of its fields (case S31)', () => {
  const text = left(`${fleetFolder}/config/relay.json`)
  expect(parseConfig(text)).toEqual(JSON.parse(text))
})
