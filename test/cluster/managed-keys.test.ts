/** DKIM keys that the operator makes sign as soon as their records are seen, and go through a rotation, damage and loss without a gap. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runOperator } from '../../operator/cluster/operator.ts'
import type { Telling } from '../../operator/cluster/telling.ts'
import type { DkimKeyStatus } from '../../operator/lifecycle/recorded-dkim-keys.ts'
import { configText } from '../../operator/manifests/config-secrets.ts'
import { signingSecretNames } from '../../operator/manifests/names.ts'
import { configHash, parseConfig } from '../../relay/config.ts'
import { asRoot } from '../local/as-root.ts'
import { until } from '../local/until.ts'
import { startZoneServer, type Table, txt } from '../operator/dns/zone-server.ts'
import { shownIn } from '../shown-secret.ts'
import { type Api, accepted, apiOf, type KubeObject } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { declarer } from './declare.ts'
import { type FakeRelay, fakeRelay, healthy } from './fake-relay.ts'
import { type FaultProxy, faultProxy } from './fault-proxy.ts'
import { forbidding } from './forbidding.ts'
import { conditionsOf, installCrds } from './install-crds.ts'
import { newNamespace } from './namespace.ts'

type Data = Readonly<Record<string, string>>

/** An address of this run alone, since the server of a resolver has to be on port 53. */
const address = `127.56.${process.pid % 250}.${(process.pid >> 8) % 250}`
const dataOf = (object: KubeObject | undefined): Data => (object?.['data'] ?? {}) as Data
const plain = (coded: string): string => Buffer.from(coded, 'base64').toString()
const rotation = { every: '2160h', overlap: '1s' }

describe.runIf(givenCluster() !== undefined && asRoot('port 53'))('keys that the operator makes', () => {
  const ending = new AbortController()
  const tellings: Telling[] = []
  const table: Table = {}
  let admin: Api
  let proxy: FaultProxy
  let relay: FakeRelay
  let running: Promise<void>
  let [namespace, domain] = ['', '']

  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
    namespace = await newNamespace(theCluster(), admin)
    domain = `${namespace}.test`
    const retry = { schedule: ['1s'], expireAfter: '1s' }
    const routes = [{ name: 'default', smarthosts: [{ name: 'out', host: 'smtp.example.net' }], retry }]
    await declarer(admin, namespace).policy('shared', { environment: 'NonProduction', replicas: 1, routes })
    relay = await fakeRelay(admin, namespace, 'shared', 0)
    await relay.say(true)
    proxy = await faultProxy(theCluster().access)
    running = runOperator(
      {
        ...{ connection: proxy.connection, namespace, watchNamespaces: [namespace], identity: 'first' },
        image: 'relayfleet.dev/relayfleet:test',
        tell: (telling) => tellings.push(telling),
        timing: { lookMs: 300, verifyMs: 100 },
      },
      ending.signal,
    )
    await declarer(admin, namespace).credential('app', { senderDomainRefs: [{ name: 'shop' }] })
  })
  afterAll(async () => {
    ending.abort()
    await running
    await proxy.close()
    await relay.close()
  })

  const secrets = (name: string): string => `/api/v1/namespaces/${namespace}/secrets/${name}`
  const domainPath = (): string => `/apis/relayfleet.dev/v1alpha1/namespaces/${namespace}/senderdomains/shop`
  const get = async (path: string): Promise<KubeObject | undefined> => {
    const answer = await admin.get(path)
    return answer.status === 404 ? undefined : accepted(answer)
  }
  const recorded = async (): Promise<readonly DkimKeyStatus[]> =>
    ((await get(domainPath()))?.['status'] as { dkimKeys?: readonly DkimKeyStatus[] } | undefined)?.dkimKeys ?? []
  const stages = async (): Promise<string> =>
    (await recorded())
      .map((k) => `${k.algorithm} ${k.stage}`)
      .toSorted()
      .join()
  const becomes = (wanted: string): Promise<unknown> =>
    until(`the keys are ${wanted}`, async () => {
      await follow()
      return (await stages()) === wanted
    }).catch(async (error: Error) => {
      throw new Error(`${error.message}; they are ${await stages()}`)
    })
  const says = (said: string): Promise<string> =>
    until(`the domain says ${said}`, async () => {
      const found = conditionsOf(accepted(await admin.get(domainPath()))).find(
        (c) => `${c.type} ${c.status} ${c.reason}` === said,
      )
      return found?.message
    })
  const configuration = async () => {
    const secret = await get(secrets('shared-relay-config-0'))
    return secret === undefined ? undefined : configText([{ data: dataOf(secret) }])
  }
  const signers = async (): Promise<readonly string[]> => {
    const text = await configuration()
    const { signing = [] } = text === undefined ? {} : parseConfig(text)
    return signing.flatMap((s) => s.keys.map((k) => k.selector)).toSorted()
  }
  const active = async (): Promise<readonly string[]> =>
    (await recorded())
      .filter((k) => k.stage === 'Active')
      .map((k) => k.selector)
      .toSorted()
  /** Every private key that was seen. */
  const made = new Set<string>()
  const kept = async (): Promise<Data> => {
    const data = dataOf(await get(secrets('shop-dkim')))
    for (const text of Object.values(data).map(plain)) if (text.includes('PRIVATE KEY')) made.add(text)
    return data
  }
  const handed = async (): Promise<readonly string[]> => {
    const objects = await Promise.all(signingSecretNames('shared').map((name) => get(secrets(name))))
    return objects.flatMap((o) => Object.values(dataOf(o))).toSorted()
  }
  let follows = true
  /** The relay loads the configuration that is there. */
  const follow = async (): Promise<void> => {
    const text = await configuration()
    if (text !== undefined && follows) relay.status = { ...healthy(`${namespace}/shared`), hash: configHash(text) }
  }
  const publish = async (): Promise<void> => {
    for (const { selector, algorithm, publicKey } of await recorded()) {
      const name = `${selector}._domainkey.${domain}`
      table[`TXT ${name}`] = {
        answers: txt(name, `v=DKIM1; k=${algorithm === 'ed25519' ? 'ed25519' : 'rsa'}; p=${publicKey}`),
      }
    }
  }
  const wanted = async (): Promise<readonly string[]> => {
    const { records = [] } = (await get(domainPath()))?.['status'] as {
      records?: readonly { name: string; want: string }[]
    }
    return records
      .filter(({ want }) => want !== '')
      .map(({ name }) => name.split('.')[0] ?? '')
      .toSorted()
  }
  const change = async (dkim: object): Promise<void> => {
    accepted(await admin.patch(domainPath(), { spec: { dkim } }))
  }

  test('sign as soon as their records are seen, through a rotation, and through damage and loss of their Secret', async () => {
    await startZoneServer(table, address, 53)
    const spec = { domain, environment: 'NonProduction', dns: { resolvers: [address] }, dkim: { rotation } }
    await declarer(admin, namespace).domain('shop', spec)

    // The keys are made, their records are wanted in DNS, and they have no effect until these are seen there.
    await becomes('ed25519 Pending,rsa2048 Pending')
    expect(await says('DKIMValid False RecordMissing')).toContain(`_domainkey.${domain}`)
    const [first] = await recorded()
    expect(first?.selector).toMatch(/^rf-test-\d{8}-(rsa|ed)-[a-z2-9]{5}$/)
    expect(Object.keys(await kept()).toSorted()).toEqual((await recorded()).map((k) => `${k.selector}.pem`).toSorted())
    expect((await get(secrets('shop-dkim')))?.metadata['ownerReferences']).toMatchObject([
      { kind: 'SenderDomain', name: 'shop', controller: true },
    ])
    expect([await signers(), await handed()]).toEqual([[], []])

    // Once the records are seen, the keys sign.
    await publish()
    await becomes('ed25519 Active,rsa2048 Active')
    const before = await active()
    await until('both sign', async () => (await signers()).join() === before.join())
    expect(await handed()).toEqual(Object.values(await kept()).toSorted())
    await says('DKIMValid True RecordMatches')

    // When the time of the keys is over, others are made, and nothing changes before their records are seen.
    await change({ rotation: { ...rotation, every: '2s' } })
    await becomes('ed25519 Active,ed25519 Pending,rsa2048 Active,rsa2048 Pending')
    await change({ rotation })
    expect(await says('RotationInProgress True RecordPending')).toContain(`until then ${before[0]?.slice(0, 7)}`)
    expect(await signers()).toEqual(before)

    // Then those sign; while a relay lags, the old keys are in use, and the fleet has copies of them.
    follows = false
    await publish()
    await becomes('ed25519 Active,ed25519 Active,rsa2048 Active,rsa2048 Active')
    await says('RotationInProgress True RelaysFollow')
    await until('the others sign', async () => {
      const now = await signers()
      return now.length === 2 && !now.some((s) => before.includes(s))
    })
    const after = await signers()
    expect(await handed()).toHaveLength(4)

    // When each relay has left the old keys, their records stay for a while, and then everything of them goes.
    follows = true
    await becomes('ed25519 Active,ed25519 Retired,rsa2048 Active,rsa2048 Retired')
    await until('their private keys are gone', async () => Object.keys(await kept()).length === 2)
    await until('no relay has them', async () => (await handed()).length === 2)
    await until('their records are not wanted', async () => (await wanted()).join() === after.join())
    expect(await active()).toEqual(after)

    // A damaged Secret is not written over, and the relays go on.
    const whole = await kept()
    const [file = ''] = Object.keys(whole)
    accepted(await admin.patch(secrets('shop-dkim'), { data: { [file]: Buffer.from('damaged').toString('base64') } }))
    expect(await says('ResolvedRefs False KeySecretDamaged')).toContain(file)
    expect([await signers(), plain((await kept())[file] ?? '')]).toEqual([after, 'damaged'])
    expect(await handed()).toHaveLength(2)
    accepted(await admin.patch(secrets('shop-dkim'), { data: whole }))
    await until('all is well', async () => (await conditions()).every((c) => c !== 'ResolvedRefs False'))

    // When the Secret is lost, the relays go on by their copies, until the records of other keys are seen.
    accepted(await admin.remove(secrets('shop-dkim')))
    await becomes('ed25519 Active,ed25519 Pending,ed25519 Retired,rsa2048 Active,rsa2048 Pending,rsa2048 Retired')
    expect([await signers(), (await handed()).length]).toEqual([after, 2])
    await publish()
    await until('others sign', async () => {
      await follow()
      const now = await signers()
      return now.length === 2 && !now.some((s) => after.includes(s))
    })

    // Whatever has happened, what the operator told has no key in it.
    expect(made.size).toBeGreaterThanOrEqual(4)
    expect(shownIn(JSON.stringify(tellings), [...made])).toEqual([])
  }, 120_000)

  const conditions = async (): Promise<readonly string[]> =>
    conditionsOf(accepted(await admin.get(domainPath()))).map((c) => `${c.type} ${c.status}`)

  test("are put into no Secret that is somebody else's, which is told and left as it is", async () => {
    const theirs = { metadata: { name: 'taken-dkim' }, data: { mine: Buffer.from('mine').toString('base64') } }
    accepted(await admin.create(`/api/v1/namespaces/${namespace}/secrets`, theirs))
    await declarer(admin, namespace).domain('taken', {
      domain: `taken.${domain}`,
      environment: 'NonProduction',
      dkim: {},
    })
    await until('the domain says so', async () => {
      const object = await admin.get(domainPath().replace(/shop$/, 'taken'))
      return conditionsOf(accepted(object)).some((c) => c.reason === 'KeySecretNotOwned')
    })
    expect(dataOf(await get(secrets('taken-dkim')))).toEqual(theirs.data)
  })

  test('are missing where no Secret may be made, and the domain says what is to be mended', async () => {
    const lift = await forbidding(admin, namespace, 'no Secret without a team')
    const spec = { domain: `late.${domain}`, environment: 'NonProduction', dkim: {} }
    await declarer(admin, namespace).domain('late', spec)
    const path = domainPath().replace(/shop$/, 'late')
    const reasons = async () => conditionsOf(accepted(await admin.get(path))).map((c) => `${c.type} ${c.reason}`)
    await until('the domain says so', async () => (await reasons()).includes('Ready KeySecretRefused'))
    const told = conditionsOf(accepted(await admin.get(path))).find((c) => c.type === 'ResolvedRefs')
    expect(told?.message).toMatch(/secrets\/late-dkim: .*no Secret without a team; that policy has to let the operator/)
    await lift()
    await until('the domain has its keys', async () => (await get(secrets('late-dkim'))) !== undefined)
    await until('the domain no longer says so', async () => !(await reasons()).join().includes('KeySecretRefused'))
  })
})
