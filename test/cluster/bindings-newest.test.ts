/** A binding Secret becomes what was wished for last, whatever is under way for an older wish. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { helmInstalled } from '../chart/helm.ts'
import { until } from '../local/until.ts'
import { type Api, apiOf } from './api.ts'
import { type Bench, isWrite, type Operator, openBench } from './binding-bench.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { installCrds } from './install-crds.ts'
import { type InstalledChart, installChart } from './installed-chart.ts'

describe.runIf(givenCluster() !== undefined && helmInstalled())('while a binding Secret is being written', () => {
  let admin: Api
  let chart: InstalledChart
  let bench: Bench
  let one: Operator

  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
    chart = await installChart(theCluster(), admin)
  })
  afterAll(() => chart.uninstall())
  beforeEach(async () => {
    bench = await openBench(admin, chart)
    await bench.credential('web')
    // There are no looks in turn here, so what is left wrong would stay so.
    one = await bench.operator({ turns: { everyMs: 600_000, pauseMs: 10 } })
    one.give({ web: bench.binding('smtp') })
    await until('its key is known', () => one.bindings.keys().size === 1)
  })
  afterEach(() => bench.close())

  const writes = (): number => one.secretCalls().filter(isWrite).length
  /** Each write takes long from now on. */
  const slowly = (): void => {
    one.proxy.rule = (seen) => (isWrite(seen) ? { delayMs: 200 } : 'pass')
  }
  const portIs = (port: string): Promise<unknown> =>
    until(`the port is ${port}`, async () => (await bench.textOf('smtp', 'port')) === port)

  test('a wish for its former port is obeyed in the end', async () => {
    slowly()
    one.give({ web: bench.binding('smtp', { port: 465 }) })
    await until('the write is under way', () => writes() === 2)
    one.give({ web: bench.binding('smtp') })
    await until('the former port was written', () => writes() === 3)
    await portIs('587')
  })

  test('of many wishes only the last one is carried out', async () => {
    slowly()
    one.give({ web: bench.binding('smtp', { port: 1 }) })
    await until('the write is under way', () => writes() === 2)
    for (let port = 2; port <= 20; port++) one.give({ web: bench.binding('smtp', { port }) })
    await portIs('20')
    expect(writes()).toBe(3)
  })

  test('two wishes for another name leave one Secret, by the last name', async () => {
    slowly()
    one.give({ web: bench.binding('mail') })
    await until('the write is under way', () => writes() === 2)
    one.give({ web: bench.binding('post') })
    await until('all former ones are gone', async () => {
      const there = await Promise.all(['smtp', 'mail', 'post'].map((name) => bench.secret(name)))
      return there.map((s) => s !== undefined).join() === 'false,false,true'
    })
    await until('no former name is remembered', () => one.bindings.formerNames().size === 0)
  })

  test('the operator forgets its keys when its credential goes', async () => {
    slowly()
    one.give({ web: bench.binding('smtp', { port: 465 }) })
    await until('the write is under way', () => writes() === 2)
    one.give({})
    await portIs('465')
    await bench.credential('other')
    one.give({ other: bench.binding('other') })
    await until('others go on', () => one.bindings.keys().has(bench.nameOf('other')))
    expect(one.bindings.keys().has(bench.nameOf('web'))).toBe(false)
  })
})
