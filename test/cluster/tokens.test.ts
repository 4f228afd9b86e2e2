/** Tokens that a real API server issues to service accounts verify by what an operator writes down for the relays. */
import { createPublicKey } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readToken, tokenIssuer } from '../../relay/rules/token.ts'
import { helmInstalled } from '../chart/helm.ts'
import { until } from '../local/until.ts'
import { claims, newKey, type SigningKey, signed } from '../relay/tokens.ts'
import { type Api, accepted, apiOf, type KubeObject } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { type FaultProxy, status } from './fault-proxy.ts'
import { conditionsOf, installCrds } from './install-crds.ts'
import { type InstalledChart, installChart } from './installed-chart.ts'
import { newNamespace } from './namespace.ts'
import { runningOperator } from './running-operator.ts'
import { writtenConfig } from './written-config.ts'

const jwks = '/openid/v1/jwks'
type KeySet = { readonly keys: readonly object[] }

const jwkOf = ({ id, algorithm, publicKey }: SigningKey): object => ({
  ...createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' }).export({ format: 'jwk' }),
  use: 'sig',
  kid: id,
  alg: algorithm,
})

describe.runIf(givenCluster() !== undefined && helmInstalled())('tokens of service accounts', () => {
  let admin: Api
  let chart: InstalledChart
  let discovered: KeySet

  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
    chart = await installChart(theCluster(), admin)
    discovered = JSON.parse(String((await admin.get(jwks)).body)) as KeySet
  })
  afterAll(() => chart.uninstall())

  /** A fleet with a token credential, and an operator of its own behind a proxy. */
  async function stage(rule?: FaultProxy['rule'], before: (mail: string) => Promise<void> = async () => undefined) {
    const mail = await newNamespace({ ...theCluster(), controllers: false }, admin)
    const own = (plural: string, name = '') => `/apis/relayfleet.dev/v1alpha1/namespaces/${mail}/${plural}/${name}`
    const make = async (kind: string, plural: string, name: string, spec: object): Promise<void> => {
      const object = { apiVersion: 'relayfleet.dev/v1alpha1', kind, metadata: { name }, spec }
      accepted(await admin.create(own(plural).slice(0, -1), object))
    }
    await before(mail)
    await make('RelayPolicy', 'relaypolicies', 'shared', {
      environment: 'NonProduction',
      listeners: [{ name: 'submission', port: 587 }],
    })
    await make('SenderDomain', 'senderdomains', 'shop', { domain: `${mail}.example`, environment: 'NonProduction' })
    const refs = { policyRef: { name: 'shared' }, senderDomainRefs: [{ name: 'shop' }] }
    const serviceAccounts = [{ name: 'web' }]
    await make('RelayCredential', 'relaycredentials', 'web', { ...refs, type: 'ServiceAccountToken', serviceAccounts })
    await make('RelayCredential', 'relaycredentials', 'app', refs)

    const proxy = await runningOperator(chart, mail, rule)
    const map = `/api/v1/namespaces/${mail}/configmaps/web-smtp`
    return {
      mail,
      proxy,
      map,
      own,
      mapNow: async () => (await admin.get(map)).body as KubeObject,
      /** The configuration that the relays have. */
      config: () => writtenConfig(admin, mail, 'shared'),
      async condition(type: string, name = 'web') {
        const credential = accepted(await admin.get(own('relaycredentials', name)))
        return conditionsOf(credential).find((c) => c.type === type)
      },
      /** A token that the API server itself issues, as to a pod. */
      async token(account: string, audience: string): Promise<string> {
        const at = `/api/v1/namespaces/${mail}/serviceaccounts`
        await admin.create(at, { metadata: { name: account } })
        const asked = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [audience] } }
        const { body } = await admin.create(`${at}/${account}/token`, asked)
        return (body as { status: { token: string } }).status.token
      },
    }
  }

  test('verify by what the operator writes down of the issuer, if they are for our audience', async () => {
    const { mail, config, token } = await stage()
    const { tokens, credentials } = await until('the relays know the issuer', async () => {
      const now = await config()
      return now?.tokens && now
    })
    if (tokens === undefined) throw new Error('there are none')
    expect(credentials.find((c) => c.name === `${mail}/web`)).toMatchObject({ serviceAccounts: [`${mail}/web`] })
    const issuer = tokenIssuer(tokens)
    const read = async (account: string, audience: string) =>
      readToken(issuer, await token(account, audience), Date.now())
    expect(await read('web', 'relayfleet')).toMatchObject({ serviceAccount: `${mail}/web` })
    expect(await read('other', 'relayfleet')).toMatchObject({ serviceAccount: `${mail}/other` })
    expect(await read('web', tokens.issuer)).toBe('forged')
  })

  test('verify by the known keys while the issuer rotates its keys and can not be reached, and by the new ones afterwards', async () => {
    let keySet: KeySet = discovered
    let isPartitioned = false
    const { proxy, config, token } = await stage((request) => {
      if (isPartitioned) return 'reset'
      return request.path === jwks ? { code: 200, body: keySet } : 'pass'
    })
    const old = await token('web', 'relayfleet')
    const tokens = () => until('there are tokens', async () => (await config())?.tokens)
    const judged = async (text: string) => {
      const judgement = readToken(tokenIssuer(await tokens()), text, Date.now())
      return typeof judgement === 'string' ? judgement : 'good'
    }
    expect(await judged(old)).toBe('good')
    const { issuer } = await tokens()
    const fresh = signed(newKey, claims({ iss: issuer }))

    isPartitioned = true
    proxy.cutAll()
    keySet = { keys: [...discovered.keys, jwkOf(newKey)] }
    const asked = () => proxy.seen.filter(({ path }) => path === jwks).length
    const before = asked()
    await until('the issuer was asked in vain', () => asked() > before + 2)
    expect([await judged(old), await judged(fresh)]).toEqual(['good', 'unknownKey'])

    isPartitioned = false
    await until('the new key is followed', async () => (await judged(fresh)) === 'good')
    expect(await judged(old)).toBe('good')
    keySet = { keys: [jwkOf(newKey)] }
    await until('the old key is given up', async () => (await judged(old)) === 'unknownKey')
    expect(await judged(fresh)).toBe('good')
  })

  test.each([
    ['no key', { keys: [] }],
    ['no JWKS', 'garbage'],
    ['null', null],
    ['keys without names', { keys: [{ ...jwkOf(newKey), kid: undefined }] }],
    ['keys for encryption', { keys: [{ ...jwkOf(newKey), use: 'enc' }] }],
    ['secrets for keys', { keys: [{ kty: 'oct', kid: 'a', alg: 'HS256', k: 'AAAA' }] }],
    ['a key of another algorithm', { keys: [{ ...jwkOf(newKey), alg: 'ES256' }] }],
    ['one name for two keys', { keys: [jwkOf(newKey), jwkOf(newKey)] }],
  ])('verify as before when the issuer answers with %s', async (_name, body) => {
    let answers = false
    const { proxy, config } = await stage(({ path }) => (answers && path === jwks ? { code: 200, body } : 'pass'))
    const tokens = await until('the relays know the issuer', async () => (await config())?.tokens)
    answers = true
    const before = proxy.seen.length
    await until('the issuer was asked', () => proxy.seen.slice(before).filter(({ path }) => path === jwks).length > 2)
    expect((await config())?.tokens).toEqual(tokens)
  })

  test('are not known while the issuer may not be asked: a condition says so, and no password is held up', async () => {
    let isForbidden = true
    const { config, condition } = await stage(({ path }) =>
      isForbidden && path === jwks ? status(403, 'Forbidden') : 'pass',
    )
    const programmed = await until('the condition tells it', async () => {
      const now = await condition('Programmed')
      return now?.reason === 'TokenIssuerUnknown' && now
    })
    expect(programmed).toMatchObject({ status: 'False', message: expect.stringContaining(jwks) })
    await until('the password is programmed', async () =>
      (await config())?.credentials.some(({ name, keys }) => name.endsWith('/app') && keys.length === 1),
    )
    expect(await condition('Programmed', 'app')).not.toMatchObject({ reason: 'TokenIssuerUnknown' })
    isForbidden = false
    await until('the issuer is followed', async () => (await config())?.tokens !== undefined)
  })

  test('come with a ConfigMap instead of a Secret, which has all but a password, and is kept right', async () => {
    const { mail, map, mapNow, own } = await stage()
    const made = await until('the ConfigMap is there', async () => (await admin.get(map)).status === 200 && mapNow())
    expect(made['data']).toEqual({
      type: 'smtp',
      provider: 'relayfleet',
      host: `shared.${mail}.svc`,
      port: '587',
      username: `web.${mail}`,
      uri: `smtp://web.${mail}@shared.${mail}.svc:587`,
      certificates: expect.stringContaining('BEGIN CERTIFICATE'),
    })
    expect(made.metadata).toMatchObject({
      labels: { 'app.kubernetes.io/managed-by': 'relayfleet' },
      ownerReferences: [{ kind: 'RelayCredential', name: 'web', controller: true }],
    })
    expect((await admin.get(`/api/v1/namespaces/${mail}/secrets/web`)).status).toBe(404)
    await until('the status names the ConfigMap', async () => {
      const { status: its } = accepted(await admin.get(own('relaycredentials', 'web'))) as { status?: object }
      return (its as { configMap?: { name: string } } | undefined)?.configMap?.name === 'web-smtp'
    })
    accepted(await admin.patch(map, { data: { host: 'evil.example' } }))
    await until(
      'the ConfigMap is set right',
      async () => ((await mapNow())['data'] as { host: string }).host === `shared.${mail}.svc`,
    )
    accepted(await admin.remove(map))
    await until('the ConfigMap is made anew', async () => (await admin.get(map)).status === 200)
  })

  test("leave a ConfigMap alone that has the name and is somebody else's, and a condition says so", async () => {
    const theirs = { metadata: { name: 'web-smtp' }, data: { host: 'theirs.example' } }
    const { mapNow, condition } = await stage(undefined, async (mail) => {
      accepted(await admin.create(`/api/v1/namespaces/${mail}/configmaps`, theirs))
    })
    await until('the condition tells it', async () => {
      const now = await condition('ResolvedRefs')
      return now?.reason === 'ConfigMapNotOwned' && now.message.includes('/web-smtp')
    })
    expect((await mapNow())['data']).toEqual(theirs.data)
  })
})
