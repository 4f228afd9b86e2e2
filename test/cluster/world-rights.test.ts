/** The operator works with what it may see of a cluster, and says what it may not see, or which kind is not known. */
import { randomUUID } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../local/until.ts'
import { type Api, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { type Fault, type Seen, status } from './fault-proxy.ts'
import { grant } from './grant.ts'
import { installCrds } from './install-crds.ts'
import { newNamespace } from './namespace.ts'
import { observe, writer } from './observing.ts'

/** A short patience, since some answers never come here. */
const timing = { patienceMs: 2000 }

const all = ['get', 'list', 'watch']
/** The rights that the chart gives for one namespace. */
const rules = [
  { apiGroups: ['relayfleet.dev'], resources: ['*'], verbs: all },
  { apiGroups: [''], resources: ['services', 'pods'], verbs: all },
  { apiGroups: ['apps'], resources: ['statefulsets'], verbs: all },
  { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: all },
  { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs: all },
  { apiGroups: ['monitoring.coreos.com'], resources: ['servicemonitors'], verbs: all },
  { apiGroups: [''], resources: ['namespaces'], verbs: ['get'] },
]

describe.runIf(givenCluster() !== undefined)('a world with limits', () => {
  let admin: Api
  let seen: string
  let unseen: string
  let user: string

  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
  })
  beforeEach(async () => {
    const cluster = { ...theCluster(), controllers: false }
    ;[seen, unseen] = [await newNamespace(cluster, admin), await newNamespace(cluster, admin)]
    user = `user-${randomUUID()}`
  })

  const allow = (namespace: string): Promise<unknown> => grant(admin, { user, namespace, name: 'operator' }, rules)

  test('holds one namespace while another one may not be seen, which is told', async () => {
    await allow(seen)
    await Promise.all([seen, unseen].map((n) => writer(admin, n).create('RelayPolicy', 'shared')))
    const { world, raised } = await observe({ namespaces: [seen, unseen], user, timing })
    await world.synced
    expect(world.declared().map((d) => d.ref)).toEqual([`RelayPolicy ${seen}/shared`])
    const kinds = ['relaypolicies', 'senderdomains', 'relaycredentials']
    expect(world.unread()).toEqual(
      [
        ...kinds.map((k) => `${k} of ${unseen}: could not be listed yet`),
        `labels of namespace ${unseen}: could not be read yet`,
      ].map((what) => ({ what, namespace: unseen })),
    )
    const before = raised.dirty
    await writer(admin, seen).create('RelayCredential', 'web')
    await until('the credential is heard', () => world.declared().length === 2)
    expect(raised.dirty).toBe(before + 1)

    const { resourceVersion } = (await writer(admin, seen).create('SenderDomain', 'example')).metadata
    await world.refresh()
    expect(BigInt(world.heard()[`SenderDomain ${seen}`] ?? 0)).toBeGreaterThanOrEqual(BigInt(resourceVersion ?? 0))

    await allow(unseen)
    await until('nothing is unread', () => world.unread().length === 0, 25_000)
    expect(world.declaredAs(`RelayPolicy ${unseen}/shared`)?.is).toBe('valid')
    expect(world.namespaces().has(unseen)).toBe(true)
  })

  test('does not say that there is no pod where none may be listed', async () => {
    await allow(seen)
    const { world } = await observe({ namespaces: [seen, unseen], user, timing })
    await world.synced
    expect([world.knowsPods(`${seen}/shared`), world.knowsPods(`${unseen}/shared`)]).toEqual([true, false])
    await allow(unseen)
    await until('the pods are listed', () => world.knowsPods(`${unseen}/shared`), 25_000)
  })

  test('keeps what was heard when the right to hear more is gone', async () => {
    await allow(seen)
    await writer(admin, seen).create('RelayPolicy', 'shared')
    const { world, proxy, news } = await observe({ namespaces: [seen], user, timing })
    await world.synced
    await admin.remove(`/apis/rbac.authorization.k8s.io/v1/namespaces/${seen}/rolebindings/operator`)
    proxy.cutAll()
    await world.refresh()
    expect(news.some((n) => n.about === 'interruption' && n.why.includes('403'))).toBe(true)
    expect([world.declared().length, world.unread()]).toEqual([1, []])
  })

  test('has everything in doubt while the API server is away at the start, until it is back', async () => {
    await writer(admin, seen).create('RelayPolicy', 'shared')
    const { world, proxy, raised } = await observe({ namespaces: [seen], rule: () => 'reset', timing })
    await world.synced
    expect([world.declared(), world.unread().length]).toEqual([[], 4])
    proxy.rule = () => 'pass'
    await until('all is heard', () => world.declared().length === 1 && world.unread().length === 0, 25_000)
    expect(raised.dirty).toBeGreaterThan(0)
  })

  test('watches ServiceMonitors while the cluster knows the kind', async () => {
    const metadata = { resourceVersion: '7', labels: { 'relayfleet.dev/policy': 'shared' } }
    const monitor = { metadata: { ...metadata, name: 'shared', namespace: seen }, spec: {} }
    const list: Fault = { code: 200, body: { metadata: { resourceVersion: '7' }, items: [monitor] } }
    let answer: Fault = status(404, 'NotFound')
    const isAboutMonitors = ({ path }: { readonly path: string }): boolean => path.includes('/monitoring.coreos.com/')
    const { world, raised, proxy } = await observe({
      namespaces: [seen],
      rule: ({ path, query }) => {
        if (!isAboutMonitors({ path })) return 'pass'
        return query.get('watch') === '1' ? 'hang' : answer
      },
    })
    await world.synced
    expect([world.serviceMonitors, world.made(`${seen}/shared`)]).toEqual([false, []])
    const before = raised.dirty

    answer = list
    await until('the kind is known', () => world.serviceMonitors)
    await until('the ServiceMonitor is heard', () => world.made(`${seen}/shared`).length === 1)
    expect(world.made(`${seen}/shared`)[0]).toMatchObject({ kind: 'ServiceMonitor', metadata: { name: 'shared' } })
    expect(raised.dirty).toBeGreaterThan(before)

    answer = status(500, 'InternalError')
    const isQuestion = (seen: Seen): boolean => isAboutMonitors(seen) && seen.query.get('limit') === '1'
    const questions = (): number => proxy.seen.filter(isQuestion).length
    const asked = questions()
    await until('the answer is heard, and there is another question', () => questions() > asked + 1)
    expect(world.serviceMonitors).toBe(true)

    answer = status(404, 'NotFound')
    await until('the kind is gone', () => !world.serviceMonitors)
    expect(world.made(`${seen}/shared`)).toEqual([])
  })

  test('ends with the signal, whatever it was waiting for', async () => {
    const { proxy, end } = await observe({ namespaces: [seen], rule: () => 'hang' })
    await until('the world has asked', () => proxy.seen.length > 8)
    await end()
  })
})
