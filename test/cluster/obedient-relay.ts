/** A relay that only judges logins: it loads what the operator writes, applies the relay's rules, and tells the uses of keys. */
import { setTimeout as sleep } from 'node:timers/promises'
import { openApi } from '../../operator/cluster/api/api.ts'
import type { Connection } from '../../operator/cluster/api/connection.ts'
import { runningOnce } from '../../operator/cluster/person/running-once.ts'
import type { Name } from '../../operator/compile/snapshot.ts'
import { configHash, printConfig, type RelayConfig, verifierOf } from '../../relay/config.ts'
import { KeyUses } from '../../relay/keys/key-uses.ts'
import { digestOf, indexCredentials, judgeLogin } from '../../relay/rules/login.ts'
import type { Api } from './api.ts'
import { type FakeRelay, fakeRelay } from './fake-relay.ts'

export type ObedientRelay = {
  readonly fake: FakeRelay
  /** Whether it accepts this login now, by the configuration that it has loaded. */
  login(who: { readonly username: string; readonly password: string }, client: string): boolean
  close(): Promise<void>
}

/** How often it loads the configuration, in place of the kubelet's time to bring the files and the relay's to read them. */
const loadMs = 50

export async function obedientRelay(
  admin: Api,
  connection: Connection,
  fleet: Name,
  index: number,
): Promise<ObedientRelay> {
  const api = openApi(connection, { rate: { perSecond: 1000, burst: 1000 } })
  const [namespace = '', policy = ''] = fleet.split('/')
  const fake = await fakeRelay(admin, namespace, policy, index)
  const uses = new KeyUses({})
  const ending = new AbortController()
  let config: RelayConfig | undefined
  const load = async (): Promise<void> => {
    config = (await runningOnce(api, fleet, ending.signal).catch(() => undefined)) ?? config
    if (config === undefined) return
    fake.status = { ...fake.status, hash: configHash(printConfig(config)) }
    fake.usage = { day: 0, credentials: [], now: new Date().toISOString(), keys: uses.usage(config) }
  }
  const loading = (async () => {
    while (!ending.signal.aborted) {
      await load()
      await sleep(loadMs, undefined, { signal: ending.signal }).catch(() => undefined)
    }
  })()
  await fake.say(true)
  return {
    fake,
    login({ username, password }, client) {
      if (config === undefined) return false
      const digest = digestOf(verifierOf(password))
      const login = judgeLogin(indexCredentials(config), {
        username,
        proof: { by: 'secret', digest, token: 'forged' },
        client,
        now: Date.now(),
      })
      if (login.kind === 'accepted') uses.note(login.credential.name, login.key, client)
      return login.kind === 'accepted'
    },
    async close() {
      ending.abort()
      await loading
      await fake.close()
    },
  }
}
