/** The operator as a whole, as the account that the chart gives it, from what is declared to what stands in the cluster. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runOperator } from '../../operator/cluster/operator.ts'
import type { OperatorOptions } from '../../operator/cluster/operator-options.ts'
import type { Telling } from '../../operator/cluster/telling.ts'
import { helmInstalled, rendered } from '../chart/helm.ts'
import { until } from '../local/until.ts'
import { shownIn } from '../shown-secret.ts'
import { type Answer, type Api, accepted, apiOf, type KubeObject } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { type FaultProxy, faultProxy } from './fault-proxy.ts'
import { type Condition, conditionsOf, installCrds } from './install-crds.ts'
import { type InstalledChart, installChart } from './installed-chart.ts'
import { newNamespace } from './namespace.ts'
import { rightFor, rightsIn } from './rights.ts'

/** Rights that nothing in this suite needs, and why they are there. */
const unused: Readonly<Record<string, string>> = {
  'update relayfleet.dev/relaypolicies/finalizers': 'only where OwnerReferencesPermissionEnforcement is on',
  'update relayfleet.dev/relaycredentials/finalizers': 'only where OwnerReferencesPermissionEnforcement is on',
  'update relayfleet.dev/senderdomains/finalizers': 'only where OwnerReferencesPermissionEnforcement is on',
  'patch events.k8s.io/events': 'an Event is counted up when it has been repeated for a minute',
  'delete apps/statefulsets': 'what a fleet no longer needs is removed by one rule for all kinds',
  'delete networking.k8s.io/networkpolicies': 'the same, for a policy that has its own',
  'delete /services': 'the same',
  'delete /secrets': 'a certificate that is no longer issued, a binding by a former name',
  ...Object.fromEntries(
    ['get', 'create', 'patch', 'delete'].map((verb) => [
      `${verb} externaldns.k8s.io/dnsendpoints`,
      'this cluster does not know the kind',
    ]),
  ),
  ...Object.fromEntries(
    ['get', 'watch', 'create', 'patch', 'delete'].map((verb) => [
      `${verb} monitoring.coreos.com/servicemonitors`,
      'this cluster does not know the kind',
    ]),
  ),
}

const declared = (kind: string, namespace: string, name: string, spec: object) => ({
  apiVersion: 'relayfleet.dev/v1alpha1',
  kind,
  metadata: { namespace, name },
  spec,
})
const plurals: Readonly<Record<string, string>> = {
  RelayPolicy: 'relaypolicies',
  SenderDomain: 'senderdomains',
  RelayCredential: 'relaycredentials',
}
const pathTo = (kind: string, namespace: string, name = ''): string =>
  `/apis/relayfleet.dev/v1alpha1/namespaces/${namespace}/${plurals[kind]}${name === '' ? '' : `/${name}`}`

const theirPassword = 'secret-of-ses'
const pemKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*-----END [A-Z ]*PRIVATE KEY-----/g

/** A Lease that another operator holds for an hour. */
const heldLease = {
  metadata: { name: 'relayfleet' },
  spec: { holderIdentity: 'another', leaseDurationSeconds: 3600, leaseTransitions: 0 },
}
const domain = (team: string) => ({
  domain: `${team}.example.org`,
  environment: 'Production',
  allowedNamespaces: selecting(team),
})
const smarthost = {
  name: 'ses',
  host: 'smtp.example.net',
  tls: { caRef: { name: 'corporate-ca' } },
  authRef: { name: 'ses' },
}
const policy = (team: string) => ({
  environment: 'Production',
  replicas: 2,
  listeners: [{ name: 'submission', port: 587 }],
  admission: { credentials: { namespaces: selecting(team) } },
  routes: [{ name: 'default', smarthosts: [smarthost] }],
})
const credential = (mail: string) => ({
  policyRef: { name: 'shared', namespace: mail },
  senderDomainRefs: [{ name: 'shop', namespace: mail }],
})
const selecting = (namespace: string) => ({
  from: 'Selector',
  selector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
})

describe.runIf(givenCluster() !== undefined && helmInstalled())('the operator', () => {
  const ending = new AbortController()
  const tellings: Telling[] = []
  let admin: Api
  let chart: InstalledChart
  let proxy: FaultProxy
  let running: Promise<void>
  let [mail, team, ourPassword] = ['', '', '']

  const operate = (options: Partial<OperatorOptions>, signal: AbortSignal): Promise<void> =>
    runOperator(
      {
        connection: chart.asOperator(proxy.connection),
        namespace: chart.namespace,
        watchNamespaces: [mail, team],
        image: 'relayfleet.dev/relayfleet:test',
        identity: 'first',
        tell: (telling) => tellings.push(telling),
        ...options,
      },
      signal,
    )

  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
    ;[mail, team] = [await newNamespace(theCluster(), admin), await newNamespace(theCluster(), admin)]
    chart = await installChart(theCluster(), admin, (own) => ({ watchNamespaces: [own, mail, team] }))
    proxy = await faultProxy(theCluster().access)
    await makeReferenced()
    running = operate({}, ending.signal)
  })
  afterAll(async () => {
    ending.abort()
    await running
    await proxy.close()
    await chart.uninstall()
  })

  /** Makes what a policy refers to, which is not the operator's and which it only looks at. */
  const makeReferenced = async (): Promise<void> => {
    const data = { username: 'dXNlcg==', password: Buffer.from(theirPassword).toString('base64') }
    accepted(await admin.create(`/api/v1/namespaces/${mail}/secrets`, { metadata: { name: 'ses' }, data }))
    const ca = { metadata: { name: 'corporate-ca' }, data: { 'ca.crt': 'PEM' } }
    accepted(await admin.create(`/api/v1/namespaces/${mail}/configmaps`, ca))
  }
  const make = async (object: ReturnType<typeof declared>): Promise<void> => {
    accepted(await admin.create(pathTo(object.kind, object.metadata.namespace), object))
  }
  const get = async (path: string): Promise<KubeObject | undefined> => {
    const answer: Answer = await admin.get(path)
    return answer.status === 404 ? undefined : accepted(answer)
  }
  const appears = (path: string): Promise<KubeObject> => until(`${path} is there`, () => get(path))
  const condition = (kind: string, namespace: string, name: string, type: string, status: string): Promise<Condition> =>
    until(`${kind} ${name} is ${type}=${status}`, async () => {
      const object = await get(pathTo(kind, namespace, name))
      return object && conditionsOf(object).find((c) => c.type === type && c.status === status)
    })
  const config = async (): Promise<string> => {
    const secret = await get(`/api/v1/namespaces/${mail}/secrets/shared-relay-config-0`)
    return Buffer.from(Object.values((secret?.['data'] ?? {}) as Record<string, string>).join(''), 'base64').toString()
  }

  test('makes what three objects declare: Secrets, a StatefulSet, Services, statuses', async () => {
    await make(declared('SenderDomain', mail, 'shop', domain(team)))
    await make(declared('RelayPolicy', mail, 'shared', policy(team)))
    await make(declared('RelayCredential', team, 'web', credential(mail)))
    const byToken = { ...credential(mail), type: 'ServiceAccountToken', serviceAccounts: [{ name: 'worker' }] }
    await make(declared('RelayCredential', team, 'worker', byToken))
    await appears(`/api/v1/namespaces/${team}/configmaps/worker-smtp`)
    const statefulSet = await appears(`/apis/apps/v1/namespaces/${mail}/statefulsets/shared`)
    expect(statefulSet['spec']).toMatchObject({ replicas: 2 })
    for (const name of ['shared', 'shared-pods']) await appears(`/api/v1/namespaces/${mail}/services/${name}`)
    await appears(`/apis/networking.k8s.io/v1/namespaces/${mail}/networkpolicies/shared`)
    await appears(`/apis/policy/v1/namespaces/${mail}/poddisruptionbudgets/shared`)
    const binding = await appears(`/api/v1/namespaces/${team}/secrets/web`)
    expect(binding['type']).toBe('servicebinding.io/smtp')
    ourPassword = Buffer.from((binding['data'] as { password: string }).password, 'base64').toString()
    expect(ourPassword.length).toBeGreaterThan(30)
    await until('the configuration knows the credential', async () => (await config()).includes(`${team}/web`))
    for (const [kind, namespace, name] of [
      ['RelayPolicy', mail, 'shared'],
      ['SenderDomain', mail, 'shop'],
      ['RelayCredential', team, 'web'],
    ] as const) {
      await condition(kind, namespace, name, 'Accepted', 'True')
    }
    await appears(`/api/v1/namespaces/${chart.namespace}/secrets/relayfleet-ca`)
  })

  test('says in a condition, and in an Event, what is not there and what nobody consented to', async () => {
    const [route] = policy(team).routes
    const missing = { ...smarthost, authRef: { name: 'absent' } }
    await make(
      declared('RelayPolicy', mail, 'broken', { ...policy(team), routes: [{ ...route, smarthosts: [missing] }] }),
    )
    expect((await condition('RelayPolicy', mail, 'broken', 'ResolvedRefs', 'False')).message).toContain('absent')
    await make(declared('RelayCredential', mail, 'uninvited', credential(mail)))
    const { reason } = await condition('RelayCredential', mail, 'uninvited', 'Accepted', 'False')
    await until('an Event tells it', async () => {
      const { items } = accepted(await admin.get(`/apis/events.k8s.io/v1/namespaces/${mail}/events`)) as unknown as {
        items: readonly { reason: string; regarding: { name: string } }[]
      }
      return items.some((event) => event.reason === reason && event.regarding.name === 'uninvited')
    })
  })

  test('puts an edit into the configuration, and says that a credential, and a policy, is suspended', async () => {
    accepted(await admin.patch(pathTo('RelayPolicy', mail, 'shared'), { spec: { hostname: 'relay.example.org' } }))
    await until('the configuration has it', async () => (await config()).includes('relay.example.org'))
    accepted(await admin.patch(pathTo('RelayCredential', team, 'web'), { spec: { suspended: true } }))
    await condition('RelayCredential', team, 'web', 'Suspended', 'True')
    accepted(await admin.patch(pathTo('RelayPolicy', mail, 'shared'), { spec: { suspended: true } }))
    await condition('RelayPolicy', mail, 'shared', 'Suspended', 'True')
  })

  test('has the login of a limit store mounted by the kubelet, and tells relays of the store when there is a limit', async () => {
    const limitStore = { host: 'valkey.caches.svc', authRef: { name: 'ses' }, tls: { caRef: { name: 'corporate-ca' } } }
    await make(
      declared('RelayPolicy', mail, 'exact', {
        ...policy(team),
        routes: [],
        recipients: { mode: 'Capture' },
        limitStore,
      }),
    )
    const statefulSet = await appears(`/apis/apps/v1/namespaces/${mail}/statefulsets/exact`)
    const mounted = JSON.stringify(statefulSet['spec'])
    for (const path of ['secrets/ses/username', 'secrets/ses/password', 'ca/corporate-ca/ca.crt']) {
      expect(mounted).toContain(`"path":"${path}"`)
    }
    const exact = async (): Promise<string> => {
      const secret = await get(`/api/v1/namespaces/${mail}/secrets/exact-relay-config-0`)
      return Buffer.from(
        Object.values((secret?.['data'] ?? {}) as Record<string, string>).join(''),
        'base64',
      ).toString()
    }
    expect(await exact()).not.toContain('valkey')
    const limited = { ...credential(mail), policyRef: { name: 'exact', namespace: mail }, limits: { daily: 100 } }
    await make(declared('RelayCredential', team, 'counted', limited))
    await until('relays are told of the store', async () => (await exact()).includes('"host": "valkey.caches.svc"'))
    const reach = async () =>
      JSON.stringify((await get(`/apis/networking.k8s.io/v1/namespaces/${mail}/networkpolicies/exact`))?.['spec'])
    await until('relays may reach the store', async () =>
      (await reach())?.includes('"kubernetes.io/metadata.name":"caches"'),
    )
  })

  test('removes the disruption budget of a single replica, and makes a Service again that somebody deleted', async () => {
    accepted(await admin.patch(pathTo('RelayPolicy', mail, 'shared'), { spec: { replicas: 1 } }))
    const budget = `/apis/policy/v1/namespaces/${mail}/poddisruptionbudgets/shared`
    await until('the budget is gone', async () => (await get(budget)) === undefined)
    const service = `/api/v1/namespaces/${mail}/services/shared`
    const uid = (await get(service))?.metadata['uid']
    accepted(await admin.remove(service))
    await until('there is another Service', async () => {
      const now = (await get(service))?.metadata['uid']
      return now !== undefined && now !== uid
    })
  })

  test('watches as a standby everything that the cluster declares, as its account may, and writes nothing', async () => {
    const watching = await faultProxy(theCluster().access)
    const everywhere = await installChart(theCluster(), admin)
    accepted(await admin.create(`/apis/coordination.k8s.io/v1/namespaces/${everywhere.namespace}/leases`, heldLease))
    const standing = new AbortController()
    const told: Telling[] = []
    const standby = operate(
      {
        connection: everywhere.asOperator(watching.connection),
        watchNamespaces: [],
        namespace: everywhere.namespace,
        identity: 'second',
        tell: (telling) => told.push(telling),
      },
      standing.signal,
    )
    await until('the standby has listed everything', () => told.some(({ about }) => about === 'synced'))
    await until(
      'the standby has looked at the Lease',
      () => watching.seen.filter(({ path }) => path.includes('/leases')).length > 2,
    )
    standing.abort()
    await standby
    const rights = new Set(watching.seen.map(rightFor).filter((right) => right !== undefined))
    expect([...rights].filter((right) => !/^(list|watch) /.test(right))).toEqual(['get coordination.k8s.io/leases'])
    expect([...rights].filter((right) => !rightsIn(rendered()).has(right))).toEqual([])
    expect(rights).toContain('watch /namespaces')
    expect(told.filter(({ about }) => about === 'trouble')).toEqual([])
    await watching.close()
    await everywhere.uninstall()
  })

  test('ends when one of its parts fails, says which one, and gives its Lease back', async () => {
    const alone = await newNamespace({ ...theCluster(), controllers: false }, admin)
    const tell = ({ about }: Telling): void => {
      if (about === 'turn begins') throw new TypeError('a bug')
    }
    const failing = operate(
      { namespace: alone, watchNamespaces: [alone], connection: proxy.connection, tell },
      ending.signal,
    )
    await expect(failing).rejects.toThrow('leading: the loop: a bug')
    const lease = await get(`/apis/coordination.k8s.io/v1/namespaces/${alone}/leases/relayfleet`)
    expect(lease?.['spec']).toMatchObject({ holderIdentity: '' })
  })

  test('leaves nothing of a deleted fleet', async (context) => {
    context.skip(!theCluster().controllers, 'nobody collects garbage here')
    accepted(await admin.remove(pathTo('RelayCredential', team, 'web')))
    accepted(await admin.remove(pathTo('RelayPolicy', mail, 'shared')))
    for (const path of [
      `/apis/apps/v1/namespaces/${mail}/statefulsets/shared`,
      `/api/v1/namespaces/${mail}/secrets/shared-relay-config-0`,
      `/api/v1/namespaces/${team}/secrets/web`,
    ]) {
      await until(`${path} is gone`, async () => (await get(path)) === undefined, 60_000)
    }
  }, 120_000)

  test('has asked for nothing that no rule allows, and no rule allows what it never asks for', () => {
    const installed = rendered({ watchNamespaces: [chart.namespace, mail, team] }, chart.namespace)
    const [allowed, asked] = [rightsIn(installed), new Set(proxy.seen.map(rightFor).filter((r) => r !== undefined))]
    // To apply what is not there yet is to create it.
    const created = [...asked].filter((r) => r.startsWith('patch ')).map((r) => r.replace('patch', 'create'))
    expect([...asked].filter((right) => !allowed.has(right))).toEqual([])
    const idle = [...allowed].filter((right) => !asked.has(right) && !created.includes(right))
    expect(idle.toSorted()).toEqual(Object.keys(unused).toSorted())
    // Only looks at what is somebody else's were refused, by the admission policy.
    const refused = tellings.filter((t) => t.about === 'call' && t.code === 403)
    expect(new Set(refused.map((t) => t.about === 'call' && t.verb))).toEqual(new Set(['merge']))
  })

  test('has told how long each part of its work took', () => {
    const parts = tellings.flatMap((telling) => (telling.about === 'done' ? [telling.part] : []))
    expect(new Set(parts)).toEqual(new Set(['turn', 'compile', 'fleet', 'binding', 'status']))
  })

  /** The private keys in the Secrets of a namespace. */
  const keysIn = async (namespace: string): Promise<readonly string[]> => {
    const { items } = accepted(await admin.get(`/api/v1/namespaces/${namespace}/secrets`)) as unknown as {
      items: readonly { data?: Readonly<Record<string, string>> }[]
    }
    const texts = items.flatMap(({ data = {} }) => Object.values(data)).map((coded) => Buffer.from(coded, 'base64'))
    const keys = texts.flatMap((text) => String(text).replaceAll('\\n', '\n').match(pemKey) ?? [])
    expect(keys, namespace).not.toEqual([])
    return keys
  }
  test('has told no password and no key', async () => {
    const text = JSON.stringify(tellings)
    expect(
      shownIn(text, [theirPassword, ourPassword, ...(await keysIn(chart.namespace)), ...(await keysIn(mail))]),
    ).toEqual([])
  })
})
