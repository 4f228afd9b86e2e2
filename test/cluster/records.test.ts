/** What a name server says of a domain's records gets into its status: once, when they break, when they are mended, and over a restart. */
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runOperator } from '../../operator/cluster/operator.ts'
import type { Telling } from '../../operator/cluster/telling.ts'
import { asRoot } from '../local/as-root.ts'
import { until } from '../local/until.ts'
import { commanded } from '../operator/cli/commanded.ts'
import { startZoneServer, type Table, txt } from '../operator/dns/zone-server.ts'
import { type Api, accepted, apiOf, type KubeObject } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { declarer } from './declare.ts'
import { type FaultProxy, faultProxy } from './fault-proxy.ts'
import { conditionsOf, installCrds } from './install-crds.ts'
import { newNamespace } from './namespace.ts'
import { person, readsNamespaces, readsOurKinds } from './person.ts'

/** An address of this run alone, since the server of a resolver has to be on port 53. */
const address = `127.55.${process.pid % 250}.${(process.pid >> 8) % 250}`

describe.runIf(givenCluster() !== undefined && asRoot('port 53'))('the records of a domain', () => {
  let [api, proxy, namespace] = [{} as Api, {} as FaultProxy, '']
  beforeAll(async () => {
    api = apiOf(theCluster().access)
    await installCrds(api)
    namespace = await newNamespace({ ...theCluster(), controllers: false }, api)
    proxy = await faultProxy(theCluster().access)
  })
  afterAll(() => proxy.close())

  const tellings: Telling[] = []
  const operate = (identity: string) => {
    const ending = new AbortController()
    const running = runOperator(
      {
        connection: proxy.connection,
        ...{ namespace, watchNamespaces: [namespace], image: 'relayfleet.dev/relayfleet:test', identity },
        tell: (telling) => tellings.push(telling),
        timing: { verifyMs: 100 },
      },
      ending.signal,
    )
    return async () => {
      ending.abort()
      await running
    }
  }
  const get = async (): Promise<KubeObject> =>
    accepted(await api.get(`/apis/relayfleet.dev/v1alpha1/namespaces/${namespace}/senderdomains/example`))
  const stands = (...said: readonly string[]): Promise<KubeObject> =>
    until(`the domain says ${said.join()}`, async () => {
      const object = await get()
      const now = conditionsOf(object).map(({ type, status, reason }) => `${type} ${status} ${reason}`)
      return said.every((one) => now.includes(one)) ? object : undefined
    })
  const notes = async (): Promise<readonly string[]> => {
    const list = accepted(await api.get(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`)) as unknown as {
      readonly items: readonly { readonly reason: string; readonly note: string }[]
    }
    return list.items.map(({ reason, note }) => `${reason}: ${note}`)
  }

  const domain = 'example.test'
  const spf = { answers: txt(domain, 'v=spf1 include:a.test -all') }
  const table: Table = {
    [`TXT ${domain}`]: spf,
    'TXT a.test': { answers: txt('a.test', 'v=spf1 ip4:192.0.2.1 -all') },
    [`TXT _dmarc.${domain}`]: { answers: txt(`_dmarc.${domain}`, 'v=DMARC1; p=none') },
  }

  test('are told once, noticed when they break and are mended, and known to an operator that is started since', {
    timeout: 90_000,
  }, async () => {
    const { asked } = await startZoneServer(table, address, 53)
    const expected = { expect: { spf: { include: ['a.test'] }, dmarc: {} }, dns: { resolvers: [address] } }
    await declarer(api, namespace).domain('example', { domain, ...expected })
    const stop = operate('first')
    const well = await stands('SPFValid True RecordMatches', 'DMARCValid True RecordMatches', 'Ready True Ready')
    expect((well['status'] as { records: unknown }).records).toMatchObject([
      { purpose: 'SPF', name: domain, state: 'Match', want: 'v=spf1 include:a.test -all' },
      { purpose: 'DMARC', name: `_dmarc.${domain}`, state: 'Match' },
    ])
    const looks = (): number => asked.filter((question) => question === `TXT _dmarc.${domain}`).length
    const version = async () => (await get()).metadata['resourceVersion']
    const lookedAtAgain = (): Promise<unknown> => {
      const before = looks()
      return until('the records were looked at again', () => looks() >= before + 2)
    }
    await lookedAtAgain()
    const written = await version()
    await lookedAtAgain()
    expect(await version(), 'nothing new is written').toBe(written)

    delete table[`TXT ${domain}`]
    const broken = await stands(
      'SPFValid False RecordMissing',
      'RecordsPublished False NotPublished',
      'Ready False RecordMissing',
    )
    const { brokenSince } = broken['status'] as { brokenSince: string }
    expect(Date.parse(brokenSince)).toBeGreaterThan(0)
    const message = `TXT ${domain}: there is no SPF record; add it`
    await until('there is an Event', async () => (await notes()).includes(`RecordMissing: ${message}`))
    const told = [
      { record: 'SPF', domain: `${namespace}/example`, ok: false },
      { record: 'DMARC', domain: `${namespace}/example`, ok: true },
    ]
    await until('the verdicts are told for the metric', () =>
      tellings.some((telling) => telling.about === 'records' && isDeepStrictEqual(telling.records, told)),
    )
    await stop()

    for (const question of Object.keys(table)) table[question] = 'silence'
    const stopSecond = operate('second')
    const blind = await stands('RecordsPublished False NotPublished', 'SPFValid False RecordMissing')
    await until('the second operator has looked at the records', () =>
      tellings.some((t) => t.about === 'dns' && t.result === 'unknown'),
    )
    expect((blind['status'] as { brokenSince: string }).brokenSince).toBe(brokenSince)
    Object.assign(table, {
      [`TXT ${domain}`]: spf,
      'TXT a.test': { answers: txt('a.test', 'v=spf1 ip4:192.0.2.1 -all') },
      [`TXT _dmarc.${domain}`]: { answers: txt(`_dmarc.${domain}`, 'v=DMARC1; p=none') },
    })
    const mended = await stands('SPFValid True RecordMatches', 'RecordsPublished True Published', 'Ready True Ready')
    expect(mended['status']).not.toHaveProperty('brokenSince')
    await until('there is an Event for the mend, too', async () =>
      (await notes()).some((note) => note.startsWith('Ready: ')),
    )

    const kubeconfig = await person(theCluster().access, api, { [namespace]: [readsOurKinds, readsNamespaces] })
    const check = (...more: readonly string[]) =>
      commanded('domain', 'check', '--kubeconfig', kubeconfig, '-n', namespace, ...more)
    expect(await check()).toMatchObject({ code: 0, out: expect.stringContaining(`SenderDomain ${namespace}/example`) })
    expect(await check('other')).toMatchObject({ code: 2, err: expect.stringContaining('there is no SenderDomain') })
    await stopSecond()
  })
})
