/** Our counters and histograms print what those of prom-client would print. */
import * as prom from 'prom-client'
import { expect, test } from 'vitest'
import { Counter, Histogram } from '../../relay/tallies.ts'
import { seededRandom } from '../local/seeded-random.ts'

const help = 'What was met.'
const bounds = [0.5, 1, 10]
const words = ['', 'a', 'b', 'a,second:b', '"\n\\', '__proto__']

function both() {
  const [registry, theirs] = [new prom.Registry(), new prom.Registry()]
  for (const each of [registry, theirs]) each.setDefaultLabels({ policy: 'mail/shared' })
  const labelNames = ['first', 'second'] as const
  const registers = [theirs]
  return {
    registry,
    theirs,
    ours: {
      counter: new Counter({ name: 'met_total', help, labelNames, registry }),
      plain: new Counter({ name: 'plain_total', help, labelNames: [], registry }),
      histogram: new Histogram({ name: 'took', help, labelNames, registry }, bounds),
      bare: new Histogram({ name: 'size', help, labelNames: [], registry }, bounds),
    },
    expected: {
      counter: new prom.Counter({ name: 'met_total', help, labelNames, registers }),
      plain: new prom.Counter({ name: 'plain_total', help, registers }),
      histogram: new prom.Histogram({ name: 'took', help, labelNames, registers, buckets: bounds }),
      bare: new prom.Histogram({ name: 'size', help, registers, buckets: bounds }),
    },
  }
}

test('our metrics print what prom-client prints, before anything is counted and after a thousand counts of each', async () => {
  const { registry, theirs, ours, expected } = both()
  const asExpected = async () => expect(await registry.metrics()).toBe(await theirs.metrics())
  await asExpected()
  const random = seededRandom(7)
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T
  for (let i = 0; i < 1000; i++) {
    const labels = { first: pick(words), second: pick(words) }
    const value = pick([0, 0.5, 0.50001, 1, 10, 11, random(), 1e21])
    const by = pick([0, 1, 3])
    for (const counter of [ours.counter, expected.counter]) counter.inc(labels, by)
    ours.plain.inc()
    expected.plain.inc()
    ours.histogram.observe(value, labels)
    expected.histogram.observe(labels, value)
    ours.bare.observe(value)
    expected.bare.observe(value)
    if (i % 100 === 0) await asExpected()
  }
  await asExpected()
})
