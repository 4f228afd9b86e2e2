/** What `bench:quick` ends with: a table for the person who ran it, and a file of the raw numbers. */
import { median } from '../test/local/median.ts'
import { type Lane, shapes } from './lane.ts'
import { machine, revision } from './machine.ts'
import { keep, resultsFile } from './results.ts'

const rounded = (n: number): number => Number(n.toPrecision(3))

const figures: Readonly<Record<string, (lane: Lane) => number>> = {
  'accepted/s, 20 sessions reused': (l) => median(l.runs.reused.map((r) => r.acceptedPerSecond)),
  'delivered/s, 20 sessions reused': (l) => median(l.runs.reused.map((r) => r.deliveredPerSecond)),
  'accepted/s, a connection each': (l) => median(l.runs.single.map((r) => r.acceptedPerSecond)),
  'delivered/s, a connection each': (l) => median(l.runs.single.map((r) => r.deliveredPerSecond)),
  'one submission alone, p50 ms': (l) => median(l.latencies.map((x) => x.p50Ms)),
  'one submission alone, p99 ms': (l) => median(l.latencies.map((x) => x.p99Ms)),
  'fsyncs per message': (l) => l.fsyncs,
}

/** Prints the figures and their ratio (the first lane to the second), and writes the raw numbers under bench/results. */
export function report(lanes: readonly Lane[], ceiling: number): void {
  const rows = Object.entries(figures).map(([what, figure]) => {
    const values = lanes.map(figure)
    const named = lanes.map((lane, i) => [lane.contender.name, rounded(values[i] ?? Number.NaN)] as const)
    const [first = Number.NaN, second = Number.NaN] = values
    return [what, { ...Object.fromEntries(named), ratio: rounded(first / second) }] as const
  })
  console.table(Object.fromEntries(rows))
  const at = new Date().toISOString()
  const file = resultsFile('quick', at)
  const raw = lanes.map(({ contender, runs, latencies, fsyncs }) => ({ name: contender.name, runs, latencies, fsyncs }))
  const all = {
    at,
    revision: revision(),
    machine,
    loadCeiling: ceiling,
    shapes,
    figures: Object.fromEntries(rows),
    raw,
  }
  keep(all, file)
  console.log(`raw numbers: ${file}`)
}
