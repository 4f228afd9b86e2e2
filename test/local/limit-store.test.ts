/** A daily limit holds for a fleet of relay processes that count in a Redis: to the last recipient, whatever is killed. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { makeCertificates } from '../certificates.ts'
import { bundleRelay } from './bundle.ts'
import { configMap, credential, plainReceiver, routeTo, secret, smallFleet } from './documents.ts'
import { freePort } from './free-port.ts'
import { inQueue } from './in-queue.ts'
import { installed } from './programs.ts'
import { startRedis } from './redis.ts'
import { accessTo, loadConfig, type Relay, senderDomain, startRelay, writeRelay } from './relay-process.ts'
import { SmtpSession } from './smtp-session.ts'
import { openStage } from './stage.ts'
import { until } from './until.ts'

const submission = {
  reversePath: `app@${senderDomain}`,
  forwardPaths: ['to@elsewhere.test'],
  content: Buffer.from(`From: <app@${senderDomain}>\r\n\r\nhi\r\n`),
}

/**
 * Three relays of one fleet, run from the bundle that ships, which loads its client of the store only when it has to. There is no
 * smarthost, so they keep all that they have accepted.
 */
async function threeRelays(limits: { daily: number }) {
  const redis = await startRedis()
  const certificates = await makeCertificates(['127.0.0.1'])
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-limit-store-'))
  const nobody = await freePort()
  const main = bundleRelay(join(folder, 'dist'))
  const running: Relay[] = []
  onTestFinished(async () => {
    await Promise.all(running.map((relay) => relay.end('SIGKILL').catch(() => undefined)))
    await redis.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  async function member(index: number) {
    const own = join(folder, `${index}`)
    const listenPort = await freePort()
    mkdirSync(own)
    const config = loadConfig({ listenPort, smarthostPort: nobody, maxConnections: 1 })
    const [app] = config.credentials
    if (app === undefined) throw new Error('no credential')
    // A long timeout, since the machine may be busy; answers that come too late are another test's subject.
    const store = {
      host: '127.0.0.1',
      port: redis.port,
      database: 0,
      timeoutMs: 10_000,
      tls: { mode: 'Disabled' },
    } as const
    const credentials = [{ ...app, limits: { ...limits, warnAt: 80 } }]
    writeRelay(own, { ...config, credentials, sharing: { relays: 3, store } }, certificates)
    const start = async (): Promise<Relay> => {
      const relay = await startRelay(own, [], main)
      running.push(relay)
      return relay
    }
    let relay = await start()
    return {
      get relay() {
        return relay
      },
      restart: async () => {
        relay = await start()
      },
      connected: () =>
        until('the relay counts in the store', async () => (await relay.status()).limitStore?.state === 'Connected'),
      away: () => until('the relay counts by itself', async () => (await relay.status()).limitStore?.state === 'Away'),
      /** Submits so many messages on that many connections; returns how many the relay has accepted. */
      async taken(messages: number, connections = 4): Promise<number> {
        const each = Math.ceil(messages / connections)
        const counts = Array.from({ length: connections }, async () => {
          const session = await SmtpSession.open(accessTo(listenPort, certificates))
          let accepted = 0
          for (let i = 0; i < each; i++) {
            if ((await session.submit(submission)).code === 250) accepted++
            // Its transaction is still open, and with each further MAIL out of sequence the session would come nearer to its end.
            else await session.expect(session.command('RSET'), 250)
          }
          session.close()
          return accepted
        })
        return (await Promise.all(counts)).reduce((a, b) => a + b, 0)
      },
    }
  }
  return { redis, members: await Promise.all([member(0), member(1), member(2)]) }
}

const queued = async (relays: readonly Relay[]): Promise<number> => {
  const all = await Promise.all(relays.map(async (relay) => inQueue(await relay.status())))
  return all.reduce((sum, one) => sum + one, 0)
}

describe.runIf(installed('redis-server', 'aiosmtpd'))('a fleet with a limit store', () => {
  test('three relays together accept a daily limit to its last recipient and no more, also if one of them is killed (case A19)', async () => {
    const { members } = await threeRelays({ daily: 200 })
    const [a, b, c] = members
    if (!a || !b || !c) throw new Error('three relays')
    await Promise.all(members.map((m) => m.connected()))
    // More than the relay's share, which would be 67.
    let given = await a.taken(100)
    expect(given).toBe(100)
    await a.relay.end('SIGKILL')
    given += await b.taken(40)
    await a.restart()
    await a.connected()
    // Each asks for more than the 60 that are left, and so learns that there are no more, however far ahead of the others it is.
    const rest = await Promise.all(members.map((m) => m.taken(64)))
    given += rest.reduce((x, y) => x + y, 0)
    expect(given).toBe(200)
    expect(await queued(members.map((m) => m.relay))).toBe(200)
    expect(await a.relay.metric('relayfleet_limit_store_up')).toBe(1)
    expect(await b.relay.metrics()).not.toContain('by="share"')
    expect(await b.relay.metric('relayfleet_quota_used_ratio')).toBe(1)
  })

  test('while the store is away, each relay goes on within its share, and the daily limit is not given out twice', async () => {
    const { redis, members } = await threeRelays({ daily: 300 })
    await Promise.all(members.map((m) => m.connected()))
    const first = await Promise.all(members.map((m) => m.taken(20)))
    expect(first).toEqual([20, 20, 20])
    const going = members.map((m) => m.taken(40, 2))
    await redis.kill()
    const during = await Promise.all(going)
    await Promise.all(members.map((m) => m.away()))
    // Without the store, each relay has a third of what it knew to be left, so nobody was refused; and the relays stay ready.
    expect(during).toEqual([40, 40, 40])
    expect((await members[0]?.relay.status())?.ready).toBe(true)
    await redis.start()
    await Promise.all(members.map((m) => m.connected()))
    await until('the store knows again of all that was used', async () => {
      return (await redis.command('HGET', 'relayfleet:{mail/load}:day', 'all mail/load')) === '180'
    })
    const last = await Promise.all(members.map((m) => m.taken(60)))
    expect(last.reduce((x, y) => x + y, 0)).toBe(120)
  })

  test('a limit store that is declared in YAML works with TLS and a login of few rights, and statuses tell of usage and of its loss', async () => {
    const certificates = await makeCertificates(['127.0.0.1'])
    const redis = await startRedis({ certificates, password: 'an-admin-of-the-store' })
    const stage = openStage()
    onTestFinished(async () => {
      await stage.close()
      await redis.stop()
    })
    const password = 'a-password-of-the-store'
    await redis.command(...aclOf(password))
    const documents = await smallFleet({
      routes: [routeTo(plainReceiver((await stage.receiver()).port))],
      limitStore: {
        host: '127.0.0.1',
        port: redis.port,
        database: 1,
        tls: { caRef: { name: 'valkey-ca' } },
        authRef: { name: 'valkey-login' },
        timeout: '10s',
      },
    })
    const fleet = await stage.fleet([
      ...documents,
      credential('daily', { limits: { daily: 10, rate: { count: 100, per: '1s' }, warnAt: 50 } }),
      secret('valkey-login', { username: 'relayfleet', password }),
      configMap('valkey-ca', { 'ca.crt': certificates.ca }),
    ])
    const degraded = () => fleet.condition('RelayPolicy mail/shared', 'Degraded')?.reason
    await until('the store is connected', async () => (await fleet.status()).limitStore?.state === 'Connected')
    await until('nothing is degraded', () => degraded() === 'AsExpected')
    const session = await SmtpSession.open(fleet.binding('daily'))
    const replies = []
    for (let i = 0; i < 11; i++) replies.push(await session.submit(submission))
    session.close()
    expect(replies.map(({ code }) => code)).toEqual([...Array(10).fill(250), 450])
    expect(replies[10]?.text).toMatch(/^4\.7\.1 at most 10 recipients a day, none left; come back in .* at 00:00 UTC/)
    const usage = () =>
      (parse(readFileSync(join(fleet.folder, 'state/status.yaml'), 'utf8')) as Record<string, { usage?: object }>)[
        'RelayCredential mail/daily'
      ]?.usage
    await until('the status says that the day is used up', () => JSON.stringify(usage())?.includes('"remaining":0'))
    expect(fleet.condition('RelayCredential mail/daily', 'QuotaApproaching')?.reason).toBe('QuotaUsedUp')
    expect(await fleet.metric(/^relayfleet_limit_decisions_total\{.*by="store"/)).toBeGreaterThanOrEqual(10)
    await redis.kill()
    await until('the policy is degraded', () => degraded() === 'LimitStoreAway')
    expect(fleet.condition('RelayPolicy mail/shared', 'Ready')?.status).toBe('True')
    for (const text of [
      fleet.log(),
      await fleet.page('/status'),
      readFileSync(join(fleet.folder, 'state/status.yaml'), 'utf8'),
    ]) {
      expect(text).not.toContain(password)
    }
  })
})

/** The command that docs/platform-team.md gives, with this password. */
function aclOf(password: string): readonly string[] {
  const page = readFileSync(join(import.meta.dirname, '../../docs/platform-team.md'), 'utf8')
  const command = /^ACL SETUSER .*$/m.exec(page)?.[0]
  if (command === undefined) throw new Error('docs/platform-team.md gives no ACL')
  return command.replace('>PASSWORD', `>${password}`).split(' ')
}
