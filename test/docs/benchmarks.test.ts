/** docs/benchmarks.md shows what the newest run in the repository measured, and names each server that failed or does not fsync. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { sectionOf } from '../../bench/page.ts'
import { plotOf } from '../../bench/plot.ts'
import { pageFile, plotFile, printed } from '../../bench/print.ts'
import type { Entry, Results } from '../../bench/results.ts'

const run = (delivered: number) => ({ acceptedPerSecond: 2 * delivered, deliveredPerSecond: delivered, loadCores: 0.5 })
const entry = (name: string, more: Partial<Entry> = {}): Entry => ({
  name,
  version: '1.0',
  failures: [],
  runs: {
    smallReused: [run(10), run(300), run(200)],
    smallPipelined: [],
    smallSingle: [],
    largeReused: [],
    largeSingle: [],
  },
  alone: [],
  aloneX25519: [],
  crowded: [],
  memory: { idle: { pssBytes: 2 ** 20, rssBytes: 2 ** 21, processes: 1 } },
  ...more,
})
const results: Results = {
  at: '2026-01-05T10:00:00.000Z',
  revision: 'abc',
  machine: { cpu: 'a cpu', cores: 2, kernel: '6' },
  loadAverage: [0, 2],
  rounds: 3,
  seconds: 4,
  sessions: 20,
  loadCeiling: 15_000,
  entries: [
    entry('Durable', { fsyncs: 1 }),
    entry('Careless', { fsyncs: 0, failures: ['latency: gone\nsecond line'] }),
    entry('Absent', {
      runs: { smallReused: [], smallPipelined: [], smallSingle: [], largeReused: [], largeSingle: [] },
      memory: {},
      skipped: 'no compiler',
    }),
  ],
}

test('the page and the plot are checked in as printed (else run `node bench/print.ts`)', () => {
  const { page, plot } = printed()
  expect(readFileSync(pageFile, 'utf8')).toBe(page)
  expect(readFileSync(plotFile, 'utf8')).toBe(plot)
})

test('the table has medians, and a dash for what was not measured', () => {
  const section = sectionOf(results)
  expect(section).toContain('|  | Durable 1.0 | Careless 1.0 |\n')
  expect(section).toContain('| 4 KB, 20 sessions reused: delivered/s | 200 | 200 |')
  expect(section).toContain('| 100 KB, a connection each: accepted/s | – | – |')
  expect(section).toContain('| memory at rest, MiB | 1 | 1 |')
})

test('servers that do not fsync, failed or were skipped are named', () => {
  const section = sectionOf(results)
  expect(section).toContain('**Careless does not fsync**')
  expect(section).not.toContain('**Durable does not fsync**')
  expect(section).toContain('- Careless failed: latency: gone\n')
  expect(section).toContain('**Absent was skipped**: no compiler')
})

test('the best server of a group has the longest bar, and the others are drawn to scale', () => {
  const uneven = {
    ...results,
    entries: [entry('Best'), entry('Half', { runs: { ...entry('').runs, smallReused: [run(100)] } })],
  }
  const lengths = [...plotOf(uneven).matchAll(/<rect x="120".*?width="(\d+)"/g)].map(([, length]) => Number(length))
  expect(lengths.slice(0, 2)).toEqual([540, 270])
})
