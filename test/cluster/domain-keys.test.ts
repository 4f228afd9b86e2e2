/** Keys of domains in other namespaces reach the relays of a fleet, as the account that the chart gives the operator. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runOperator } from '../../operator/cluster/operator.ts'
import type { Telling } from '../../operator/cluster/telling.ts'
import { configText } from '../../operator/manifests/config-secrets.ts'
import { signingSecretNames } from '../../operator/manifests/names.ts'
import { parseConfig, type RelayConfig } from '../../relay/config.ts'
import { helmInstalled } from '../chart/helm.ts'
import { until } from '../local/until.ts'
import { ed25519Key, rsaKey, type TestKey } from '../relay/delivery/signing-keys.ts'
import { shownIn } from '../shown-secret.ts'
import { type Api, accepted, apiOf, type KubeObject, type Refusal } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { declarer } from './declare.ts'
import { type FaultProxy, faultProxy, status } from './fault-proxy.ts'
import { conditionsOf, installCrds } from './install-crds.ts'
import { type InstalledChart, installChart } from './installed-chart.ts'
import { newNamespace } from './namespace.ts'

type Data = Readonly<Record<string, string>>

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const dataOf = (object: KubeObject): Data => (object['data'] ?? {}) as Data
const given = { 'relayfleet.dev/dkim-key': 'true' }
const secretWith = (keys: readonly TestKey[], labels: object = given, name = 'keys') => ({
  metadata: { name, labels },
  data: Object.fromEntries(keys.map(({ config, pem }) => [config.selector, base64(pem)])),
})

describe.runIf(givenCluster() !== undefined && helmInstalled())('the keys of a domain', () => {
  const ending = new AbortController()
  const tellings: Telling[] = []
  const [r1, e1, r2, theirs] = [rsaKey('r1'), ed25519Key('e1'), rsaKey('r2'), rsaKey('theirs')]
  let admin: Api
  let chart: InstalledChart
  let proxy: FaultProxy
  let running: Promise<void>
  let [mail, brand] = ['', '']

  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
    ;[mail, brand] = [await newNamespace(theCluster(), admin), await newNamespace(theCluster(), admin)]
    chart = await installChart(theCluster(), admin, (own) => ({ watchNamespaces: [own, mail, brand] }))
    proxy = await faultProxy(theCluster().access)
    running = runOperator(
      {
        connection: chart.asOperator(proxy.connection),
        namespace: chart.namespace,
        watchNamespaces: [mail, brand],
        image: 'relayfleet.dev/relayfleet:test',
        identity: 'first',
        tell: (telling) => tellings.push(telling),
        timing: { lookMs: 500 },
      },
      ending.signal,
    )
    await declarer(admin, mail).policy('shared', { environment: 'NonProduction', replicas: 0 })
    const namespaces = { from: 'All' }
    const dkim = { mode: 'Provided', secretRef: { name: 'keys' } }
    const domain = { domain: 'brand.example', environment: 'NonProduction', allowedNamespaces: namespaces, dkim }
    accepted(await admin.create(secrets(brand), secretWith([r1, e1])))
    await declarer(admin, brand).domain('brand', domain)
    await declarer(admin, mail).credential('app', { senderDomainRefs: [{ name: 'brand', namespace: brand }] })
  })
  afterAll(async () => {
    ending.abort()
    await running
    await proxy.close()
    await chart.uninstall()
  })

  const secrets = (namespace: string, name = ''): string =>
    `/api/v1/namespaces/${namespace}/secrets${name === '' ? '' : `/${name}`}`
  const get = async (path: string): Promise<KubeObject | undefined> => {
    const answer = await admin.get(path)
    return answer.status === 404 ? undefined : accepted(answer)
  }
  const domainNow = async (): Promise<KubeObject> =>
    accepted(await admin.get(`/apis/relayfleet.dev/v1alpha1/namespaces/${brand}/senderdomains/brand`))
  const resolved = async (): Promise<string> => {
    const condition = conditionsOf(await domainNow()).find((c) => c.type === 'ResolvedRefs')
    return `${condition?.status} ${condition?.reason}`
  }
  const patchDomain = async (dkim: object): Promise<void> => {
    const path = `/apis/relayfleet.dev/v1alpha1/namespaces/${brand}/senderdomains/brand`
    accepted(await admin.patch(path, { spec: { dkim } }))
  }
  /** What the fleet's relays get, by the name of the file. */
  async function handed(): Promise<Data> {
    const objects = await Promise.all(signingSecretNames('shared').map((name) => get(secrets(mail, name))))
    return Object.assign({}, ...objects.map((o) => (o === undefined ? {} : dataOf(o))))
  }
  async function configuration(): Promise<RelayConfig | undefined> {
    const secret = await get(secrets(mail, 'shared-relay-config-0'))
    return secret && parseConfig(configText([{ data: dataOf(secret) }]))
  }
  const signing = async (): Promise<NonNullable<RelayConfig['signing']>> => (await configuration())?.signing ?? []
  const credentials = async (): Promise<string> =>
    ((await configuration())?.credentials ?? []).map(({ name }) => name.replace(`${mail}/`, '')).join()
  const signers = async (): Promise<string> => (await signing()).flatMap((s) => s.keys.map((k) => k.selector)).join()

  test('are copied into Secrets of the fleet, by the files that its configuration names', async () => {
    await until('both sign', async () => (await signers()) === 'r1,e1')
    const files = await handed()
    const [entry] = await signing()
    expect(entry).toMatchObject({ senderDomain: `${brand}/brand`, domain: 'brand.example' })
    expect(entry?.keys.map((k) => files[k.keyFile])).toEqual([base64(r1.pem), base64(e1.pem)])
    await until('the status tells', async () => {
      const { status } = await domainNow()
      const { dkimKeys = [] } = (status ?? {}) as { dkimKeys?: readonly { selector: string; publicKey: string }[] }
      return (
        dkimKeys.map((k) => `v=DKIM1; k=${k.selector === 'e1' ? 'ed25519' : 'rsa'}; p=${k.publicKey}`).join() ===
        [r1.record, e1.record].join()
      )
    })
    expect(await resolved()).toBe('True ResolvedRefs')
  })

  test('are named to the relays only when their copies are there; until then those of before sign, and all else is as declared', async () => {
    proxy.rule = ({ method, path, query }) =>
      method === 'PATCH' && !query.has('dryRun') && path.includes('-relay-dkim-') ? status(403, 'Forbidden') : 'pass'
    const r3 = rsaKey('r3')
    accepted(await admin.patch(secrets(brand, 'keys'), { data: { r3: base64(r3.pem) } }))
    await until('the policy says so', async () => {
      const policy = await admin.get(`/apis/relayfleet.dev/v1alpha1/namespaces/${mail}/relaypolicies/shared`)
      return conditionsOf(accepted(policy)).some((c) => c.reason === 'NotWritten' && c.message.includes('-relay-dkim-'))
    })
    expect(await signers()).toBe('r1,e1')
    await declarer(admin, mail).credential('late', { senderDomainRefs: [{ name: 'brand', namespace: brand }] })
    await until('relays get another credential', async () => (await credentials()) === 'app,late')
    expect(await signers()).toBe('r1,e1')
    proxy.rule = () => 'pass'
    await until('the new one signs, too', async () => (await signers()) === 'r1,r3,e1')
    expect(Object.values(await handed())).toContain(base64(r3.pem))
    accepted(await admin.patch(secrets(brand, 'keys'), { data: { r3: null } }))
    await until('it is gone', async () => (await signers()) === 'r1,e1' && Object.keys(await handed()).length === 2)
  })

  test('can be read by the operator, and neither changed nor removed by it', async () => {
    const change = { data: { r1: base64('mine now') } }
    for (const answer of [
      await chart.operator.patch(secrets(brand, 'keys'), change),
      await chart.operator.patch(secrets(brand, 'keys'), {}),
      await chart.operator.remove(secrets(brand, 'keys')),
      await chart.operator.remove(`${secrets(brand, 'keys')}?dryRun=All`),
      await chart.operator.create(secrets(brand), secretWith([theirs], given, 'another')),
    ]) {
      expect(answer.status, JSON.stringify(answer.body)).toBe(403)
      expect((answer.body as Refusal).message).toContain('ValidatingAdmissionPolicy')
    }
  })

  test('are not read from a Secret that its owner has not opened, though a domain names it', async () => {
    accepted(await admin.create(secrets(brand), secretWith([theirs], {}, 'closed')))
    await patchDomain({ secretRef: { name: 'closed' } })
    await until('the domain says so', async () => (await resolved()) === 'False SecretNotReadable')
    expect(await signers()).toBe('r1,e1')
    const adopts = { metadata: { labels: given } }
    for (const change of [{}, adopts]) {
      const tried = await chart.operator.patch(`${secrets(brand, 'closed')}?dryRun=All`, change)
      expect(tried.status).toBe(403)
      expect(shownIn(JSON.stringify(tried.body), [theirs.pem])).toEqual([])
    }
    await patchDomain({ secretRef: { name: 'keys' } })
    await until('all is well', async () => (await resolved()) === 'True ResolvedRefs')
  })

  test('are replaced by another key in their Secret, and leave the fleet', async () => {
    const { data } = secretWith([r2])
    accepted(await admin.patch(secrets(brand, 'keys'), { data: { ...data, r1: null, e1: null } }))
    await until('r2 signs', async () => (await signers()) === 'r2')
    await until('the others are gone', async () => Object.values(await handed()).join() === base64(r2.pem))
  })

  test('go on signing when their Secret is gone, which a condition says', async () => {
    accepted(await admin.remove(secrets(brand, 'keys')))
    await until('the domain says so', async () => (await resolved()) === 'False SecretNotFound')
    expect(await signers()).toBe('r2')
    expect(Object.values(await handed())).toEqual([base64(r2.pem)])
  })

  test('are copied again into a fleet that lost its copy, when the owner brings the key back', async () => {
    accepted(await admin.create(secrets(brand), secretWith([r2])))
    for (const name of signingSecretNames('shared')) await admin.remove(secrets(mail, name))
    await until('the key is there again', async () => Object.values(await handed()).join() === base64(r2.pem))
  })

  test('leave the fleet when nothing is to be signed', async () => {
    await patchDomain({ mode: 'Off', secretRef: null })
    await until('nothing signs', async () => (await signers()) === '')
    await until('no key is left', async () => Object.keys(await handed()).length === 0)
  })

  test('are in nothing that the operator has told', () => {
    const keys = [r1, e1, r2, theirs].map(({ pem }) => pem)
    expect(shownIn(JSON.stringify(tellings), keys)).toEqual([])
  })
})
