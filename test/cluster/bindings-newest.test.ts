/** The newest wish wins, whatever is under way for an older one. */
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
    // Nobody looks in turns: what is left wrong would stay so.
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

  test('what was before is wished for again: it is so in the end', async () => {
    slowly()
    one.give({ web: bench.binding('smtp', { port: 465 }) })
    await until('it is under way', () => writes() === 2)
    one.give({ web: bench.binding('smtp') })
    await until('it was written back', () => writes() === 3)
    await portIs('587')
  })

  test('of many wishes only the last one is carried out', async () => {
    slowly()
    one.give({ web: bench.binding('smtp', { port: 1 }) })
    await until('it is under way', () => writes() === 2)
    for (let port = 2; port <= 20; port++) one.give({ web: bench.binding('smtp', { port }) })
    await portIs('20')
    expect(writes()).toBe(3)
  })

  test('it gets another name, and another: one Secret is left in the end', async () => {
    slowly()
    one.give({ web: bench.binding('mail') })
    await until('it is under way', () => writes() === 2)
    one.give({ web: bench.binding('post') })
    await until('all former ones are gone', async () => {
      const there = await Promise.all(['smtp', 'mail', 'post'].map((name) => bench.secret(name)))
      return there.map((s) => s !== undefined).join() === 'false,false,true'
    })
    await until('that is known', () => one.bindings.formerNames().size === 0)
  })

  test('its credential goes: nothing is told of it any more', async () => {
    slowly()
    one.give({ web: bench.binding('smtp', { port: 465 }) })
    await until('it is under way', () => writes() === 2)
    one.give({})
    await portIs('465')
    await bench.credential('other')
    one.give({ other: bench.binding('other') })
    await until('others go on', () => one.bindings.keys().has(bench.nameOf('other')))
    expect(one.bindings.keys().has(bench.nameOf('web'))).toBe(false)
  })
})
