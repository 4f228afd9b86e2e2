/** While the API server is away for a minute, the leader ends its term and writes nothing, and soon after that it goes on (case K01). */
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../local/until.ts'
import { type Api, accepted, apiOf } from '../api.ts'
import { givenCluster, theCluster } from '../cluster.ts'
import { installCrds } from '../install-crds.ts'
import { newNamespace } from '../namespace.ts'
import { type OperatorProcess, startOperator } from '../whole/operator-process.ts'
import { credential, domain, make, policy } from '../whole/scenarios.ts'
import { witness } from '../whole/witness.ts'

const long = process.env['RELAYFLEET_LONG'] !== undefined
/** For longer than a Lease, and so long that the waits between two tries, which grow, are as long as they ever get. */
const awayMs = long ? 75_000 : 12_000
const promisedMs = 60_000
const mebibyte = 2 ** 20

describe.runIf(givenCluster() !== undefined)('while the API server is away', () => {
  let admin: Api
  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
  })

  const edit = async (namespace: string, hostname: string): Promise<void> => {
    const path = `/apis/relayfleet.dev/v1alpha1/namespaces/${namespace}/relaypolicies/shared`
    accepted(await admin.patch(path, { spec: { hostname } }))
  }
  const written = async (namespace: string, text: string): Promise<boolean> => {
    const { body } = await admin.get(`/api/v1/namespaces/${namespace}/secrets/shared-relay-config-0`)
    const { data = {} } = body as { data?: Readonly<Record<string, string>> }
    return Object.values(data).some((part) => Buffer.from(part, 'base64').toString().includes(text))
  }
  const leads = ({ told }: OperatorProcess): boolean => {
    const last = told.findLast((t) => t.about === 'lease' && t.news.about !== 'trouble')
    return last?.about === 'lease' && last.news.about === 'won'
  }
  const goesAway = ({ proxy, ...operator }: OperatorProcess, set: (fault: OperatorProcess['fault']) => void): void => {
    set(() => 'reset')
    proxy.cutAll()
    expect(operator.dead).toBe(false)
  }
  async function begun() {
    const namespace = await newNamespace(theCluster(), admin)
    await make(admin, namespace, [policy(), domain(), credential('checkout')])
    const operator = await startOperator(namespace)
    await until('the configuration is written', () => written(namespace, '/checkout'), 60_000)
    return { namespace, operator }
  }

  test.concurrent(`for ${awayMs / 1000} s, its one operator leads no more, and it goes on within ${promisedMs / 1000} s afterwards`, async () => {
    const { namespace, operator } = await begun()
    goesAway(operator, (fault) => {
      operator.fault = fault
    })
    const [before, calls] = [process.memoryUsage().heapUsed, operator.proxy.seen.length]
    await edit(namespace, 'relay.example.org')
    await until('the operator leads no more', () => !leads(operator), 30_000)
    await sleep(awayMs)
    const grown = (process.memoryUsage().heapUsed - before) / mebibyte
    const perSecond = ((operator.proxy.seen.length - calls) * 1000) / awayMs
    operator.fault = () => 'pass'
    const begin = performance.now()
    await until('the edit is written', () => written(namespace, 'relay.example.org'), promisedMs)
    process.stderr.write(
      `back after ${Math.round(performance.now() - begin)} ms; ${grown.toFixed(0)} MiB more, ${perSecond.toFixed(1)} calls a second\n`,
    )
    expect(leads(operator)).toBe(true)
    expect(grown).toBeLessThan(200)
    expect(perSecond).toBeLessThan(20)
    await operator.stop()
  }, 300_000)

  test.concurrent('another operator that is not cut off leads, and the first one writes nothing more', async () => {
    const { namespace, operator: first } = await begun()
    const seeing = await witness(namespace)
    const second = await startOperator(namespace)
    await until('both have listed everything', () => second.told.some((t) => t.about === 'synced'), 30_000)
    goesAway(first, (fault) => {
      first.fault = fault
    })
    await edit(namespace, 'relay.example.org')
    await until('the other one leads', () => leads(second), 40_000)
    const tried = first.writes()
    await until('the edit is written', () => written(namespace, 'relay.example.org'), promisedMs)
    await sleep(awayMs / 4)
    first.fault = () => 'pass'
    await edit(namespace, 'later.example.org')
    await until('the next edit is written', () => written(namespace, 'later.example.org'), promisedMs)
    await until(
      'the first one has heard of the Lease',
      () => first.proxy.seen.some((s) => s.path.includes('/leases') && s.at > performance.now() - 2000),
      promisedMs,
    )
    expect(first.writes(), 'writes that the first one has tried').toBe(tried)
    expect([leads(first), leads(second)]).toEqual([false, true])
    await seeing.caughtUp()
    expect(seeing.wrongs).toEqual([])
    await first.stop()
    await second.stop()
    await seeing.stop()
  }, 300_000)
})
