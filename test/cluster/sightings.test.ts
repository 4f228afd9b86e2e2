/** The operator sees whether Secrets are there, with rights that read none. */
import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openApi } from '../../operator/cluster/api/api.ts'
import { sightOf } from '../../operator/cluster/watch/sight.ts'
import { openSightings } from '../../operator/cluster/watch/sightings.ts'
import type { Reference } from '../../operator/compile/compiled.ts'
import { until } from '../local/until.ts'
import { type Api, accepted, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { faultProxy, status } from './fault-proxy.ts'
import { grant } from './grant.ts'
import { newNamespace } from './namespace.ts'

/** The operator's rights, without one to read any Secret. */
const rules = [
  { apiGroups: [''], resources: ['secrets'], verbs: ['create', 'patch', 'delete'] },
  { apiGroups: [''], resources: ['configmaps'], verbs: ['get'] },
]

describe.runIf(givenCluster() !== undefined)('sightings', () => {
  let admin: Api
  let namespace: string
  const user = `operator-${randomUUID()}`

  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    namespace = await newNamespace({ ...theCluster(), controllers: false }, admin)
    await grant(admin, { user, namespace }, rules)
  })

  const secrets = (name = ''): string => `/api/v1/namespaces/${namespace}/secrets${name === '' ? '' : `/${name}`}`
  const make = async (name: string, labels: object = {}): Promise<void> => {
    const data = { password: 'an open secret', username: 'u' }
    accepted(await admin.create(secrets(), { metadata: { name, labels }, type: 'Opaque', stringData: data }))
  }
  const reference = (name: string): Reference => `Secret ${namespace}/${name}`

  async function looking() {
    const proxy = await faultProxy(theCluster().access)
    const login = async () => ({ ...(await proxy.connection.login()), headers: { 'impersonate-user': user } })
    const raised = { dirty: 0 }
    const sightings = openSightings({
      sight: sightOf(openApi({ ...proxy.connection, login })),
      dirty: {
        mark: () => {
          raised.dirty += 1
        },
      },
      everyMs: 300,
    })
    const ending = new AbortController()
    const ended = sightings.run(ending.signal)
    onTestFinished(async () => {
      ending.abort()
      await ended
      await proxy.close()
    })
    const see = (...names: string[]) => sightings.see(new Set(names.map(reference)), ending.signal)
    return { sightings, proxy, raised, see, ending }
  }

  test('tell whether a Secret is there, and no value of it', async () => {
    await make('theirs')
    await make('ours', { 'app.kubernetes.io/managed-by': 'relayfleet' })
    const { sightings, see } = await looking()
    await see('theirs', 'ours', 'absent')
    expect(Object.fromEntries(sightings.secrets())).toEqual({
      [`${namespace}/theirs`]: {},
      [`${namespace}/ours`]: { type: 'Opaque', keys: ['password', 'username'] },
    })
  })

  test('change nothing of a Secret', async () => {
    await make('quiet')
    const before = accepted(await admin.get(secrets('quiet'))).metadata
    const { see, proxy } = await looking()
    await see('quiet')
    const looks = (): number => proxy.seen.filter((s) => s.path === secrets('quiet')).length
    await until('the Secret was looked at again', () => looks() > 2)
    expect(accepted(await admin.get(secrets('quiet'))).metadata).toEqual(before)
    expect(proxy.seen.every((s) => s.method === 'PATCH' && s.query.get('dryRun') === 'All')).toBe(true)
  })

  test('K27: notice that a Secret is deleted, and that one is made', async () => {
    await make('comes-and-goes')
    const { sightings, raised, see } = await looking()
    await see('comes-and-goes', 'absent')
    accepted(await admin.remove(secrets('comes-and-goes')))
    await until('the Secret is missed', () => sightings.secrets().size === 0)
    expect(raised.dirty).toBe(1)
    await make('comes-and-goes')
    await until('the Secret is seen', () => sightings.secrets().size === 1)
    expect(raised.dirty).toBe(2)
  })

  test('count a Secret as there that there is no right to look at', async () => {
    const { sightings, see, ending } = await looking()
    await see('absent')
    expect(sightings.secrets().size).toBe(0)
    await sightings.see(new Set(['Secret default/absent']), ending.signal)
    expect([...sightings.secrets().keys()]).toEqual(['default/absent'])
  })

  test('wait through trouble for a first answer, and keep the last one', async () => {
    await make('kept')
    const { sightings, proxy, raised, see } = await looking()
    let left = 3
    proxy.rule = () => (left-- > 0 ? status(500, 'InternalError') : 'pass')
    await see('kept')
    expect(sightings.secrets().size).toBe(1)
    proxy.rule = () => 'reset'
    const before = proxy.seen.length
    await until('looks were tried in vain', () => proxy.seen.length > before + 2)
    expect([sightings.secrets().size, raised.dirty]).toEqual([1, 0])
  })
})
