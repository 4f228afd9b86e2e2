/** Whatever goes wrong on the way to the API server, an operator ends where an undisturbed one does, and touches nothing of others (cases K02, K05, K09, K12). */
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../local/until.ts'
import { type Api, apiOf } from '../api.ts'
import { givenCluster, theCluster } from '../cluster.ts'
import { installCrds } from '../install-crds.ts'
import { newNamespace } from '../namespace.ts'
import { type Digest, digestOf } from '../whole/digest.ts'
import { type OperatorProcess, startOperator } from '../whole/operator-process.ts'
import { type Beside, make, type Scenario, scenarios } from '../whole/scenarios.ts'
import { settled } from '../whole/settled.ts'
import { bystanders, makeBystanders } from './bystanders.ts'
import { inAHurry } from './in-a-hurry.ts'
import { type NamedFault, namedFaults } from './named-faults.ts'

/** With RELAYFLEET_LONG each fault has every scenario, otherwise one of a few. */
const long = process.env['RELAYFLEET_LONG'] !== undefined
const few = [
  'everything is created',
  'a credential is suspended',
  'a binding Secret gets another name',
  'a policy with mail is deleted',
]
const shortly = scenarios.filter(({ name }) => few.includes(name))
const table = namedFaults.flatMap((fault, i) => {
  const chosen = long ? scenarios : shortly.slice(i % shortly.length).slice(0, 1)
  return chosen.map((scenario) => [fault.name, scenario.name, fault, scenario] as const)
})

const faultMs = 3000
const deadlineMs = 60_000
/** An operator that hears by lists alone may have to wait for two of them, each for as long as it ever waits after failures: 30 s. */
const troubledMs = 120_000

type Begun = { readonly namespace: string; readonly operator: OperatorProcess; readonly beside: Beside | undefined }
type Expected = { readonly before: Digest; readonly after: Digest }

describe.runIf(givenCluster() !== undefined)('an operator and an API server with trouble in between', () => {
  let admin: Api
  const expected = new Map<Scenario, Promise<Expected>>()
  const lines: string[] = []
  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
  })
  afterAll(() => {
    process.stderr.write(`\nfault | scenario | the same end after\n${lines.join('\n')}\n`)
  })

  async function begun({ given, beside: begin }: Scenario) {
    const namespace = await newNamespace(theCluster(), admin)
    const beside = theCluster().controllers ? await begin?.(admin, namespace) : undefined
    await makeBystanders(admin, namespace)
    await make(admin, namespace, given)
    return { namespace, beside, operator: await startOperator(namespace, inAHurry) }
  }

  async function undisturbed(scenario: Scenario): Promise<Expected> {
    const { namespace, operator, beside } = await begun(scenario)
    await until('the operator has begun', () => operator.writes() > 0, deadlineMs)
    const before = await settled(admin, operator, namespace)
    await beside?.ready()
    const writes = operator.writes()
    await scenario.change(admin, namespace)
    await until('something is written', () => operator.writes() > writes, deadlineMs)
    const after = await settled(admin, operator, namespace)
    await operator.stop()
    await beside?.close()
    return { before, after }
  }

  const expectedOf = (scenario: Scenario): Promise<Expected> => {
    const known = expected.get(scenario) ?? undisturbed(scenario)
    expected.set(scenario, known)
    return known
  }

  async function becomes(namespace: string, digest: Digest, withinMs = deadlineMs): Promise<void> {
    const is = async (): Promise<boolean> => isDeepStrictEqual(await digestOf(admin, namespace), digest)
    await until('the namespace is as expected', is, withinMs).catch(async () =>
      expect(await digestOf(admin, namespace)).toEqual(digest),
    )
  }

  /** What follows from the next lists is there, too, once all have come and nothing was written for as long as looks are apart. */
  async function restOf(operator: OperatorProcess, namespace: string): Promise<Digest> {
    const listed = (from: number): ReadonlySet<string> =>
      new Set(
        operator.told
          .slice(from)
          .flatMap((one) => (one.about === 'cache' && one.news.about === 'list' ? [one.news.resource.plural] : [])),
      )
    const [all, now] = [listed(0), operator.told.length]
    await until('everything is listed anew', () => listed(now).size === all.size, troubledMs)
    return settled(admin, operator, namespace)
  }

  async function goesThrough(fault: NamedFault, scenario: Scenario, { operator, namespace, beside }: Begun) {
    const { before, after } = await expectedOf(scenario)
    await becomes(namespace, before)
    await beside?.ready()
    const theirs = await bystanders(admin, namespace)
    operator.fault = fault.begin()
    await scenario.change(admin, namespace)
    if (!fault.goesOn) {
      await sleep(faultMs)
      operator.fault = () => 'pass'
    }
    const begin = performance.now()
    await becomes(namespace, after, troubledMs)
    lines.push(`${fault.name} | ${scenario.name} | ${Math.round(performance.now() - begin)} ms`)
    expect(await restOf(operator, namespace), 'the namespace stays as expected').toEqual(after)
    expect(await bystanders(admin, namespace)).toEqual(theirs)
    expect(beside?.wrongs() ?? []).toEqual([])
  }

  test.concurrent.each(table)(
    'while %s, this ends as without trouble: %s',
    async (_fault, _scenario, fault, scenario) => {
      const here = await begun(scenario)
      try {
        await goesThrough(fault, scenario, here)
      } finally {
        here.operator.fault = () => 'pass'
        await here.operator.stop()
        await here.beside?.close()
      }
    },
    300_000,
  )
})
