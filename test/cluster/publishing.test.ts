/** DNSEndpoints, which external-dns publishes, are made when the cluster comes to know the kind, kept right, and taken away. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openApi } from '../../operator/cluster/api/api.ts'
import { runOperator } from '../../operator/cluster/operator.ts'
import { openPublisher } from '../../operator/cluster/publishing/publisher.ts'
import type { Ref } from '../../operator/compile/snapshot.ts'
import { until } from '../local/until.ts'
import { accepted, apiOf, type Api as TestApi } from './api.ts'
import { declarer } from './declare.ts'
import { dnsEndpointCrd, group, kind, plural } from './dns-endpoint-crd.ts'
import { type FaultProxy, faultProxy, type Seen, status } from './fault-proxy.ts'
import type { Cluster } from './held.ts'
import { conditionsOf, installCrds } from './install-crds.ts'
import { keep } from './keep.ts'
import { newNamespace } from './namespace.ts'
import { chosenFor } from './start.ts'

const choice = chosenFor('api')
describe.runIf(choice.kind === 'control-plane')('DNSEndpoints', () => {
  let [cluster, stop] = [{} as Cluster, async () => {}]
  let [admin, proxy, namespace] = [{} as TestApi, {} as FaultProxy, '']
  const ending = new AbortController()
  let running: Promise<void> | undefined

  beforeAll(async () => {
    if (choice.kind !== 'control-plane') return
    ;({ cluster, stop } = await keep('api', choice))
    admin = apiOf(cluster.access)
    await installCrds(admin)
    namespace = await newNamespace(cluster, admin)
    proxy = await faultProxy(cluster.access)
  })
  afterAll(async () => {
    ending.abort()
    await running
    await proxy.close()
    await stop()
  })

  const path = (name: string): string => `/apis/${group}/v1alpha1/namespaces/${namespace}/${plural}/${name}`
  const domainPath = (name: string): string =>
    `/apis/relayfleet.dev/v1alpha1/namespaces/${namespace}/senderdomains/${name}`
  const isThere = async (name: string): Promise<boolean> => (await admin.get(path(name))).status === 200
  const condition = (name: string, reason: string) =>
    until(`${name} says ${reason}`, async () =>
      conditionsOf(accepted(await admin.get(domainPath(name)))).find(
        (c) => c.type === 'RecordsPublished' && c.reason === reason,
      ),
    )
  // Nobody listens at that address, so a question fails at once: what is published is another matter than what is seen.
  const dns = { publisher: 'DNSEndpoint', resolvers: ['127.0.0.254'] }
  const expected = { spf: {}, dmarc: { minimumPolicy: 'reject', reports: 'mailto:d@a.example' } }

  test('are made when the kind is known, set right, and taken away by a change of the publisher; others’ are left alone', async () => {
    const declare = declarer(admin, namespace)
    await declare.domain('a', { domain: 'a.example', expect: expected, dns })
    const delegated = { ...dns, publisher: 'CNAME', targetZone: 'keys.example' }
    await declare.domain('c', {
      domain: 'c.example',
      expect: expected,
      dns: delegated,
      dkim: { algorithms: ['rsa2048'] },
    })
    running = runOperator(
      {
        connection: proxy.connection,
        ...{ namespace, watchNamespaces: [namespace], image: 'relayfleet.dev/relayfleet:test', identity: 'one' },
        tell: () => undefined,
        timing: { publishMs: 200, verifyMs: 1000 },
      },
      ending.signal,
    )
    const told = await condition('a', 'PublisherUnavailable')
    expect(told.message).toContain('install external-dns')

    await until('a person may publish the key', async () =>
      (await condition('c', 'ResolverTrouble')).message.includes('_dkim.keys.example'),
    )

    const foreign = { apiVersion: `${group}/v1alpha1`, kind, metadata: { name: 'b' }, spec: { endpoints: [] } }
    accepted(await admin.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', dnsEndpointCrd))
    await until('the DNSEndpoint is there', () => isThere('a'))
    expect(accepted(await admin.get(path('a')))).toMatchObject({
      metadata: {
        labels: { 'app.kubernetes.io/managed-by': 'relayfleet' },
        ownerReferences: [{ kind: 'SenderDomain', name: 'a', controller: true }],
      },
      spec: {
        endpoints: [
          {
            ...{ dnsName: '_dmarc.a.example', recordType: 'TXT', recordTTL: 300 },
            targets: ['"v=DMARC1; p=reject; rua=mailto:d@a.example"'],
          },
        ],
      },
    })
    await condition('a', 'ResolverTrouble')

    const [target] = await until('the key of a delegated selector is there', async () => {
      const { status, body } = await admin.get(path('c'))
      const names = JSON.stringify(body).match(/[^"]*_d[^"]*/g) ?? []
      return status === 200 && names.length > 0 ? names : undefined
    })
    expect(target, 'the only name, and none in the zone of its domain').toBe(
      'rf-prod-rsa-1.c.example._dkim.keys.example',
    )

    accepted(await admin.patch(path('a'), { spec: { endpoints: [] } }))
    await until('the DNSEndpoint is set right', async () =>
      JSON.stringify(await admin.get(path('a'))).includes('p=reject'),
    )

    accepted(await admin.create(path(''), foreign))
    await declare.domain('b', { domain: 'b.example', expect: expected, dns })
    expect((await condition('b', 'PublisherBlocked')).message).toContain("is somebody else's")
    expect(accepted(await admin.get(path('b')))['spec']).toEqual({ endpoints: [] })

    const isRefused = (seen: Seen): boolean => seen.method === 'PATCH' && seen.path === path('d')
    proxy.rule = (seen) => (isRefused(seen) ? status(403, 'Forbidden') : 'pass')
    await declare.domain('d', { domain: 'd.example', expect: expected, dns })
    const refused = (await condition('d', 'PublisherRefused')).message
    expect(refused).toContain(`DNSEndpoint ${namespace}/d`)
    expect(refused).toContain('Forbidden, says the proxy')
    proxy.rule = () => 'pass'
    await condition('d', 'ResolverTrouble')
    expect(await isThere('d')).toBe(true)

    accepted(await admin.patch(domainPath('a'), { spec: { dns: { publisher: 'Manual' } } }))
    await until('the DNSEndpoint is taken away', async () => !(await isThere('a')))
    expect(await isThere('b'), 'what is not ours stays').toBe(true)
  }, 90_000)

  test('are published in other namespaces while those of one may not be seen, and that is told', async () => {
    const [open, closed] = [await newNamespace(cluster, admin), await newNamespace(cluster, admin)]
    const pathIn = (ns: string): string => path('a').replace(namespace, ns)
    const refused = pathIn(closed).replace(/\/a$/, '')
    // The kind is there already where the test above has run.
    await admin.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', dnsEndpointCrd)
    await until('the kind is known', async () => (await admin.get(refused)).status === 200)
    proxy.rule = (seen) => (seen.path === refused ? status(403, 'Forbidden') : 'pass')
    const uids = new Map<Ref, string>()
    for (const ns of [open, closed]) {
      const domain = await declarer(admin, ns).domain('a', { domain: `${ns}.example`, expect: expected, dns })
      uids.set(`SenderDomain ${ns}/a`, String(domain.metadata['uid']))
    }
    const records = [{ name: '_dmarc.a.example', type: 'TXT', value: 'v=DMARC1; p=reject' }] as const
    const publisher = openPublisher({
      ...{ api: openApi(proxy.connection), namespaces: [open, closed] },
      ...{ mayWrite: () => true, changed: () => undefined, tell: () => undefined, everyMs: 200 },
    })
    const over = new AbortController()
    const round = publisher.run(over.signal)
    publisher.give(new Map([open, closed].map((ns) => [`${ns}/a`, { records, isRequired: true }])), uids)
    await until('the namespace that may not be seen is told', () => publisher.troubles().has(`${closed}/a`))
    await until(
      'the DNSEndpoint of the other namespace is there',
      async () => (await admin.get(pathIn(open))).status === 200,
    )
    expect([...publisher.troubles()]).toEqual([
      [`${closed}/a`, expect.objectContaining({ reason: 'PublisherUnavailable' })],
    ])
    expect((await admin.get(pathIn(closed))).status).toBe(404)
    proxy.rule = () => 'pass'
    await until(
      'the DNSEndpoint of this namespace is there, too',
      async () => (await admin.get(pathIn(closed))).status === 200,
    )
    over.abort()
    await round
  }, 60_000)
})
