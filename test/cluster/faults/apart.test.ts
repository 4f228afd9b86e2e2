/**
 * Trouble in one namespace delays no other: what is asked for there is done as soon as promised, or as soon as by an operator
 * without any trouble in the same seconds, where the machine does a lot else.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { median } from '../../local/median.ts'
import { until } from '../../local/until.ts'
import { type Api, accepted, apiOf, type KubeObject } from '../api.ts'
import { givenCluster, theCluster } from '../cluster.ts'
import { type Fault, type Seen, status } from '../fault-proxy.ts'
import { installCrds } from '../install-crds.ts'
import { newNamespace } from '../namespace.ts'
import { isWrite, type OperatorProcess, startOperator } from '../whole/operator-process.ts'
import { credential, domain, make, policy } from '../whole/scenarios.ts'
import { isLook } from './named-faults.ts'

const long = process.env['RELAYFLEET_LONG'] !== undefined
const [edits, spacingMs] = long ? [60, 1000] : [6, 200]
const promisedMs = 1000
const worstMs = 3000
/** How many times as long as the operator without trouble the other one may take. */
const timesAsLong = 3
/** What a new policy names is waited for, since a fleet would otherwise run with something that is absent. */
const lookedMs = 12_000
/** More than the operator deals with at the same time. */
const [fleets, credentialsEach] = [12, 4]

const troubles: readonly (readonly [string, Fault])[] = [
  ['is answered 403', status(403, 'Forbidden')],
  ['is answered 500', status(500, 'InternalError')],
  ['hangs', 'hang'],
]

/** A route to a smarthost with a password, whose Secret has to be looked at. */
const route = (i: number) => ({
  name: 'default',
  smarthosts: [{ name: 'out', host: 'smtp.example.net', port: 587, authRef: { name: `ses-${i}` } }],
})

type Beside = {
  readonly good: string
  readonly bad: string
  readonly calm: string
  readonly operator: OperatorProcess
  /** The operator of `calm` alone. */
  readonly other: OperatorProcess
  /** Whether something in `bad` has met the trouble. */
  readonly isMet: () => boolean
}
/** Milliseconds. */
type Times = { readonly worst: number; readonly usual: number }

const atMost = (promised: number, usual: number): number => Math.max(promised, timesAsLong * usual)

async function ended({ operator, other }: Beside): Promise<void> {
  for (const one of [operator, other]) {
    one.kill()
    await one.stop()
  }
}

describe.runIf(givenCluster() !== undefined)('beside a namespace where', () => {
  let admin: Api
  const lines: string[] = []
  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
  })
  afterAll(() => {
    process.stderr.write(
      `\nbeside | edits, median of ${edits} | … without trouble | worst | a new credential | a status\n${lines.join('\n')}\n`,
    )
  })

  const namespace = (): Promise<string> => newNamespace(theCluster(), admin)
  const configuration = async (namespace: string): Promise<string> => {
    const { body } = await admin.get(`/api/v1/namespaces/${namespace}/secrets/shared-relay-config-0`)
    const { data = {} } = body as { data?: Readonly<Record<string, string>> }
    return Object.values(data)
      .map((part) => Buffer.from(part, 'base64').toString())
      .join('')
  }
  const policyIn = (namespace: string): string =>
    `/apis/relayfleet.dev/v1alpha1/namespaces/${namespace}/relaypolicies/shared`

  /** The milliseconds from the answer to an edit until the Secret has it. */
  async function editTook(namespace: string, hostname: string): Promise<number> {
    accepted(await admin.patch(policyIn(namespace), { spec: { hostname } }))
    const begin = performance.now()
    await until(
      'the edit is in the configuration',
      async () => (await configuration(namespace)).includes(hostname),
      60_000,
    )
    return performance.now() - begin
  }

  async function bindingTook(namespace: string, name: string): Promise<number> {
    await make(admin, namespace, [credential(name)])
    const begin = performance.now()
    await until(
      'the credential is in the configuration',
      async () => (await configuration(namespace)).includes(`${namespace}/${name}`),
      60_000,
    )
    return performance.now() - begin
  }

  async function judgedTook(namespace: string): Promise<number> {
    const { metadata } = accepted(await admin.patch(policyIn(namespace), { spec: { replicas: 3 } }))
    const begin = performance.now()
    await until(
      'the status is of that generation',
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

  /** Makes fleets of which every one has work. */
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

  async function begun(fault: Fault, which: (request: Seen) => boolean): Promise<Beside> {
    const [good, bad, calm] = [await namespace(), await namespace(), await namespace()]
    for (const one of [good, calm]) await make(admin, one, [policy(), domain(), credential('checkout')])
    const meets = (request: Seen): boolean => request.path.includes(`/namespaces/${bad}/`) && which(request)
    const operator = await startOperator(good, { watchNamespaces: [good, bad] }, (request) =>
      meets(request) ? fault : 'pass',
    )
    const other = await startOperator(calm)
    for (const one of [good, calm])
      await until(`${one} is written`, async () => (await configuration(one)).includes('/checkout'), 60_000)
    return { good, bad, calm, operator, other, isMet: () => operator.proxy.seen.some(meets) }
  }

  /** The slowest deed, and the slowest without trouble; the median and the status are held to their promise here. */
  async function measured(name: string, { good, calm, operator }: Beside): Promise<Times> {
    const took: Record<'edits' | 'usual', number[]> = { edits: [], usual: [] }
    for (let i = 0; i < edits; i++) {
      took.edits.push(await editTook(good, `relay-${i}.example.org`))
      took.usual.push(await editTook(calm, `relay-${i}.example.org`))
      await sleep(spacingMs)
    }
    const bound = await bindingTook(good, 'late')
    const usualBound = await bindingTook(calm, 'late')
    const judged = await judgedTook(good)
    const usualJudged = await judgedTook(calm)
    const [middle, usual] = [median(took.edits), median(took.usual)]
    const figures = [middle, usual, Math.max(...took.edits), bound, judged]
    lines.push(`${name} | ${figures.map((ms) => `${Math.round(ms)} ms`).join(' | ')}`)
    expect(operator.told.some((t) => t.about === 'call' && t.code !== 200)).toBe(true)
    // A status may take longer.
    expect(judged).toBeLessThan(atMost(3 * promisedMs, usualJudged))
    expect(middle).toBeLessThan(atMost(promisedMs, usual))
    return { worst: Math.max(...took.edits, bound), usual: Math.max(...took.usual, usualBound) }
  }

  test.each(troubles)(
    'each write %s, another namespace has its work done in time',
    async (name, fault) => {
      const beside = await begun(fault, isWrite)
      await troubled(beside.bad)
      await until('the trouble has begun', beside.isMet)
      const { worst, usual } = await measured(`each write ${name}`, beside)
      expect(worst).toBeLessThan(atMost(worstMs, usual))
      await ended(beside)
    },
    300_000,
  )

  test.each(troubles)(
    'each look at a Secret %s, another namespace has its work done in time',
    async (name, fault) => {
      const beside = await begun(fault, isLook)
      await troubled(beside.bad)
      await until('the trouble has begun', beside.isMet)
      const { worst, usual } = await measured(`each look ${name}`, beside)
      expect(worst).toBeLessThan(atMost(lookedMs, usual))
      await ended(beside)
    },
    300_000,
  )
})
