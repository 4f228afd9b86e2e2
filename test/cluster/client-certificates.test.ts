/** Client certificates in a cluster: the kubelet mounts their authority, which the operator never reads, and the application is told where they are taken. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { helmInstalled } from '../chart/helm.ts'
import { clientCertificates } from '../client-certificates.ts'
import { until } from '../local/until.ts'
import { type Api, accepted, apiOf, type KubeObject } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { conditionsOf, installCrds } from './install-crds.ts'
import { type InstalledChart, installChart } from './installed-chart.ts'
import { newNamespace } from './namespace.ts'
import { runningOperator } from './running-operator.ts'
import { writtenConfig } from './written-config.ts'

type Volume = { readonly projected?: { readonly sources: readonly { readonly secret?: { readonly name: string } }[] } }

describe.runIf(givenCluster() !== undefined && helmInstalled())('client certificates', () => {
  let admin: Api
  let chart: InstalledChart

  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
    chart = await installChart(theCluster(), admin)
  })
  afterAll(() => chart.uninstall())

  /** A fleet that asks for certificates, by the rights of the chart; its authority is in a Secret. */
  async function stage() {
    const mail = await newNamespace({ ...theCluster(), controllers: false }, admin)
    const own = (plural: string, name = '') => `/apis/relayfleet.dev/v1alpha1/namespaces/${mail}/${plural}/${name}`
    const core = (plural: string, name = '') => `/api/v1/namespaces/${mail}/${plural}/${name}`
    const make = async (kind: string, plural: string, name: string, spec: object): Promise<void> => {
      const object = { apiVersion: 'relayfleet.dev/v1alpha1', kind, metadata: { name }, spec }
      accepted(await admin.create(own(plural).slice(0, -1), object))
    }
    const { authorities } = await clientCertificates()
    const stringData = { 'ca.crt': authorities.authority.pem }
    accepted(await admin.create(core('secrets').slice(0, -1), { metadata: { name: 'clients' }, stringData }))
    await make('RelayPolicy', 'relaypolicies', 'shared', {
      environment: 'NonProduction',
      listeners: [
        { name: 'submission', port: 587 },
        {
          name: 'mutual',
          port: 465,
          tls: { mode: 'Implicit' },
          clientCertificates: { mode: 'Required', caRef: { name: 'clients' } },
        },
      ],
    })
    await make('SenderDomain', 'senderdomains', 'shop', { domain: `${mail}.example`, environment: 'NonProduction' })
    const credential = (name: string, ca: string, subjectAltNames: object) =>
      make('RelayCredential', 'relaycredentials', name, {
        policyRef: { name: 'shared' },
        senderDomainRefs: [{ name: 'shop' }],
        type: 'ClientCertificate',
        clientCertificate: { caRef: { name: ca }, subjectAltNames },
      })
    await credential('web', 'clients', { uris: ['spiffe://corp.example/web'] })
    await credential('lost', 'makers', { dnsNames: ['device.example.org'] })

    const proxy = await runningOperator(chart, mail)
    const body = async (path: string): Promise<KubeObject | undefined> => {
      const answer = await admin.get(path)
      return answer.status === 200 ? (answer.body as KubeObject) : undefined
    }
    return {
      mail,
      proxy,
      own,
      core,
      body,
      config: () => writtenConfig(admin, mail, 'shared'),
      condition: async (type: string, name: string) =>
        conditionsOf(accepted(await admin.get(own('relaycredentials', name)))).find((c) => c.type === type),
    }
  }

  test('the relays learn whose certificates are whose, and the kubelet mounts the authority, which the operator never reads', async () => {
    const { mail, proxy, config, body } = await stage()
    const { credentials, listeners } = await until('the relays know the certificate', async () => {
      const now = await config()
      return now?.credentials.some((c) => c.certificate !== undefined) && now
    })
    const caFile = 'ca/clients/ca.crt'
    expect(listeners.map((l) => l.clientCertificates)).toEqual([undefined, { mode: 'Required', caFile }])
    expect(credentials).toMatchObject([
      { name: `${mail}/web`, keys: [], certificate: { caFile, names: ['URI:spiffe://corp.example/web'] } },
    ])
    const set = await until('there is a StatefulSet', () =>
      body(`/apis/apps/v1/namespaces/${mail}/statefulsets/shared`),
    )
    const { volumes } = (set as unknown as { spec: { template: { spec: { volumes: readonly Volume[] } } } }).spec
      .template.spec
    const sources = volumes.flatMap((v) => v.projected?.sources ?? [])
    expect(sources.filter((s) => s.secret?.name === 'clients')).toMatchObject([
      { secret: { items: [{ key: 'ca.crt', path: caFile }] } },
    ])
    const read = proxy.seen.filter(({ method, path }) => method === 'GET' && /\/secrets(\/clients)?(\?|$)/.test(path))
    expect(read.map(({ path }) => path)).toEqual([])
  })

  test('the application is told of the listener that takes its certificate, and gets no Secret', async () => {
    const { mail, core, body, own } = await stage()
    const map = await until('there is a ConfigMap', () => body(core('configmaps', 'web-smtp')))
    expect(map['data']).toMatchObject({
      host: `shared.${mail}.svc`,
      port: '465',
      username: `web.${mail}`,
      uri: `smtps://web.${mail}@shared.${mail}.svc:465`,
      certificates: expect.stringContaining('BEGIN CERTIFICATE'),
    })
    expect(await body(core('secrets', 'web'))).toBeUndefined()
    await until('the status names the ConfigMap', async () => {
      const status = (await body(own('relaycredentials', 'web')))?.['status'] as { configMap?: object } | undefined
      return status?.configMap !== undefined
    })
  })

  test('a credential whose certificate no listener asks for is told so, and accepted when the policy alone is mended', async () => {
    const { condition, own, body } = await stage()
    await until(
      'the credential is not accepted',
      async () => (await condition('Accepted', 'lost'))?.reason === 'CertificateNotAsked',
    )
    expect(await condition('Accepted', 'lost')).toMatchObject({
      status: 'False',
      message: expect.stringContaining('makers'),
    })
    const { spec } = (await body(own('relaypolicies', 'shared'))) as {
      spec: { listeners: readonly object[] }
    } & KubeObject
    const clientCertificates = { mode: 'Optional', caRef: { name: 'makers' } }
    const listeners = spec.listeners.map((l, i) => (i === 0 ? { ...l, clientCertificates } : l))
    accepted(await admin.patch(own('relaypolicies', 'shared'), { spec: { listeners } }))
    await until('the credential is accepted', async () => (await condition('Accepted', 'lost'))?.status === 'True')
  })
})
