/** After an operator is killed at any of its writes, the next one ends where an undisturbed one does (case K07). */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../local/until.ts'
import { type Api, apiOf } from '../api.ts'
import { givenCluster, theCluster } from '../cluster.ts'
import { installCrds } from '../install-crds.ts'
import { newNamespace } from '../namespace.ts'
import { type Digest, digestOf } from '../whole/digest.ts'
import { type OperatorProcess, startOperator } from '../whole/operator-process.ts'
import { type Beside, make, type Scenario, scenarios } from '../whole/scenarios.ts'
import { quietMs, settled } from '../whole/settled.ts'

/** With RELAYFLEET_LONG every write is the last one in turn, otherwise the first and one in between. */
const long = process.env['RELAYFLEET_LONG'] !== undefined
const chosen = (writes: number): readonly number[] => {
  const all = Array.from({ length: writes }, (_, i) => i + 1)
  return long ? all : [...new Set([1, Math.ceil(writes / 2)])]
}

const deadlineMs = 60_000
/** That a Secret is gone is noticed when it is looked at next, which a scenario of that sort waits for three times. */
const soon = { timing: { lookMs: 3000 } } as const

/** Whether nothing more is written for a while. */
async function stays(operator: OperatorProcess): Promise<boolean> {
  const before = operator.writes()
  await sleep(quietMs)
  return operator.writes() === before
}

type Run = { readonly digest: Digest; readonly writes: number }

describe.runIf(givenCluster() !== undefined)('an operator killed after its k-th write', () => {
  let admin: Api
  const table: string[] = []
  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
  })
  afterAll(() => {
    process.stderr.write(`\nscenario | writes | killed after | outcome\n${table.join('\n')}\n`)
  })

  async function begun({ given, beside: begin }: Scenario) {
    const namespace = await newNamespace(theCluster(), admin)
    const beside = theCluster().controllers ? await begin?.(admin, namespace) : undefined
    await make(admin, namespace, given)
    const operator = await startOperator(namespace, soon)
    await settled(admin, operator, namespace)
    await beside?.ready()
    return { namespace, operator, beside }
  }

  async function over(beside: Beside | undefined): Promise<void> {
    await beside?.close()
    expect(beside?.wrongs() ?? []).toEqual([])
  }

  async function undisturbed(scenario: Scenario): Promise<Run> {
    const { namespace, operator, beside } = await begun(scenario)
    const before = operator.writes()
    await scenario.change(admin, namespace)
    await until('something is written', () => operator.writes() > before, deadlineMs)
    await settled(admin, operator, namespace)
    const digest = await digestOf(admin, namespace)
    await operator.stop()
    await over(beside)
    return { digest, writes: operator.writes() - before }
  }

  async function killedAfter(k: number, scenario: Scenario, expected: Digest): Promise<void> {
    const { namespace, operator, beside } = await begun(scenario)
    operator.killAt(k)
    await scenario.change(admin, namespace)
    // Two changes may have become one write: then there is no k-th, and the operator ends undisturbed.
    await until(
      `the operator writes for the ${k}th time`,
      async () => operator.dead || ((await ended(namespace, expected)) && (await stays(operator))),
      deadlineMs,
    )
    await operator.stop()
    // The Lease is removed, as if its time had run out.
    await admin.remove(`/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/relayfleet`)
    const next = await startOperator(namespace, soon)
    await until('the same end', () => ended(namespace, expected), deadlineMs).catch(async () =>
      expect(await digestOf(admin, namespace), `killed after write ${k}`).toEqual(expected),
    )
    await next.stop()
    await over(beside)
  }

  const ended = async (namespace: string, expected: Digest): Promise<boolean> =>
    JSON.stringify(await digestOf(admin, namespace)) === JSON.stringify(expected)

  test.concurrent.each(scenarios.map((s) => [s.name, s] as const))(
    'is followed by one that reaches the same end: %s',
    async (name, scenario) => {
      const { digest, writes } = await undisturbed(scenario)
      const kills = chosen(writes)
      for (const k of kills) await killedAfter(k, scenario, digest)
      table.push(`${name} | ${writes} | ${kills.join(' ')} | the same end`)
    },
    long ? 1_800_000 : 300_000,
  )
})
