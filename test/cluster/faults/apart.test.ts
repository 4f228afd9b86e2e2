/** A namespace in trouble keeps its trouble to itself: what happens next door is as soon done as ever. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../local/until.ts'
import { type Api, accepted, apiOf, type KubeObject } from '../api.ts'
import { givenCluster, theCluster } from '../cluster.ts'
import { type Fault, type Seen, status } from '../fault-proxy.ts'
import { installCrds } from '../install-crds.ts'
import { newNamespace } from '../namespace.ts'
import { isWrite, type OperatorProcess, startOperator } from '../whole/operator-process.ts'
import { credential, domain, make, policy } from '../whole/scenarios.ts'

const long = process.env['RELAYFLEET_LONG'] !== undefined
const [edits, spacingMs] = long ? [60, 1000] : [6, 200]
const promisedMs = 1000
/** On a machine that does a lot else. */
const worstMs = 3000
/** What a new policy names is waited for: to take it for there would have the fleet run with what is absent. */
const lookedMs = 12_000
/** More than there are hands of any sort. */
const [fleets, credentialsEach] = [12, 4]

const troubles: readonly (readonly [string, Fault])[] = [
  ['is answered 403', status(403, 'Forbidden')],
  ['is answered 500', status(500, 'InternalError')],
  ['hangs', 'hang'],
]

/** To a smarthost that asks for a password, which is in a Secret to be looked at. */
const route = (i: number) => ({
  name: 'default',
  smarthosts: [{ name: 'out', host: 'smtp.example.net', port: 587, authRef: { name: `ses-${i}` } }],
})

const isLook = ({ method, query }: Seen): boolean => method === 'PATCH' && query.has('dryRun')

describe.runIf(givenCluster() !== undefined)('beside a namespace where', () => {
  let admin: Api
  const lines: string[] = []
  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
  })
  afterAll(() => {
    process.stderr.write(
      `\nbeside | edits, median of ${edits} | worst | a new credential | a status\n${lines.join('\n')}\n`,
    )
  })

  const configuration = async (namespace: string): Promise<string> => {
    const { body } = await admin.get(`/api/v1/namespaces/${namespace}/secrets/shared-relay-config-0`)
    const { data = {} } = body as { data?: Readonly<Record<string, string>> }
    return Object.values(data)
      .map((part) => Buffer.from(part, 'base64').toString())
      .join('')
  }
  const policyIn = (namespace: string): string =>
    `/apis/relayfleet.dev/v1alpha1/namespaces/${namespace}/relaypolicies/shared`

  /** From the answer to the edit to the Secret. */
  async function editTook(namespace: string, hostname: string): Promise<number> {
    accepted(await admin.patch(policyIn(namespace), { spec: { hostname } }))
    const begin = performance.now()
    await until('it is in the configuration', async () => (await configuration(namespace)).includes(hostname), 60_000)
    return performance.now() - begin
  }

  async function bindingTook(namespace: string, name: string): Promise<number> {
    await make(admin, namespace, [credential(name)])
    const begin = performance.now()
    await until(
      'it is in the configuration',
      async () => (await configuration(namespace)).includes(`${namespace}/${name}`),
      60_000,
    )
    return performance.now() - begin
  }

  async function judgedTook(namespace: string): Promise<number> {
    const { metadata } = accepted(await admin.patch(policyIn(namespace), { spec: { replicas: 3 } }))
    const begin = performance.now()
    await until(
      'its status is of that generation',
      async () => {
        const { status: now } = accepted(await admin.get(policyIn(namespace))) as KubeObject & {
          status?: { observedGeneration?: number }
        }
        return now?.observedGeneration === metadata['generation']
      },
      60_000,
    )
    return performance.now() - begin
  }

  /** Fleets of which every one has work. */
  async function troubled(bad: string): Promise<void> {
    await make(admin, bad, [domain()])
    for (let i = 0; i < fleets; i++) {
      const named = policy(`shared-${i}`, { routes: [route(i)] })
      const theirs = Array.from({ length: credentialsEach }, (_, j) =>
        credential(`app-${i}-${j}`, { policyRef: { name: `shared-${i}` } }),
      )
      await make(admin, bad, [named, ...theirs])
    }
  }

  async function begun(fault: Fault, which: (request: Seen) => boolean) {
    const [good, bad] = [await newNamespace(theCluster(), admin), await newNamespace(theCluster(), admin)]
    await make(admin, good, [policy(), domain(), credential('checkout')])
    const operator = await startOperator(good, { watchNamespaces: [good, bad] }, (request) =>
      request.path.includes(`/namespaces/${bad}/`) && which(request) ? fault : 'pass',
    )
    await until('the good one is written', async () => (await configuration(good)).includes('/checkout'), 60_000)
    return { good, bad, operator }
  }

  async function measured(name: string, good: string, operator: OperatorProcess): Promise<readonly number[]> {
    const took: number[] = []
    for (let i = 0; i < edits; i++) {
      took.push(await editTook(good, `relay-${i}.example.org`))
      await sleep(spacingMs)
    }
    const sorted = took.toSorted((a, b) => a - b).map(Math.round)
    const [bound, judged] = [await bindingTook(good, 'late'), await judgedTook(good)].map(Math.round)
    lines.push(
      `${name} | ${sorted[Math.floor(sorted.length / 2)]} ms | ${sorted.at(-1)} ms | ${bound} ms | ${judged} ms`,
    )
    expect(operator.told.some((t) => t.about === 'call' && t.code !== 200)).toBe(true)
    // A status is not to be in haste.
    expect(judged).toBeLessThan(3 * promisedMs)
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(promisedMs)
    return [...sorted, bound ?? 0]
  }

  test.each(troubles)(
    'each write %s',
    async (name, fault) => {
      const { good, bad, operator } = await begun(fault, isWrite)
      await troubled(bad)
      await sleep(spacingMs)
      const took = await measured(`each write ${name}`, good, operator)
      expect(Math.max(...took)).toBeLessThan(worstMs)
      operator.kill()
      await operator.stop()
    },
    300_000,
  )

  test.each(troubles)(
    'each look at a Secret %s',
    async (name, fault) => {
      const { good, bad, operator } = await begun(fault, isLook)
      await troubled(bad)
      await sleep(spacingMs)
      const took = await measured(`each look ${name}`, good, operator)
      expect(Math.max(...took)).toBeLessThan(lookedMs)
      operator.kill()
      await operator.stop()
    },
    300_000,
  )
})
