/**
 * Counters and histograms that prom-client's registry prints like its own. Its own ones make a string of the labels (and of the
 * bucket) for each count, which cost more than everything else about logging an event.
 */
import type { Metric, Registry } from 'prom-client'

type Labels<L extends string> = Readonly<Record<L, string>>

type Told<L extends string> = {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly L[]
  readonly registry: Registry
}

/** The registry uses only `name`, and `get` at each scrape; the other fields of a metric are for the printed reference (docs/). */
const register = (registry: Registry, metric: { readonly name: string; get(): Promise<object> }): void =>
  registry.registerMetric(metric as unknown as Metric)

export class Counter<L extends string = never> {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly L[]
  readonly #series: Series<L, { value: number }>

  constructor({ name, help, labelNames, registry }: Told<L>) {
    this.name = name
    this.help = help
    this.labelNames = labelNames
    this.#series = new Series(labelNames, () => ({ value: 0 }))
    register(registry, this)
  }

  inc(this: Counter): void
  inc(labels: Labels<L>, by?: number): void
  inc(labels = {} as Labels<L>, by = 1): void {
    this.#series.of(labels).value += by
  }

  async get() {
    const values = this.#series.all.map(({ labels, tally: { value } }) => ({ labels, value }))
    return { name: this.name, help: this.help, type: 'counter', aggregator: 'sum', values }
  }
}

type Observed = { readonly inBucket: number[]; count: number; sum: number }

export class Histogram<L extends string = never> {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly L[]
  readonly #bounds: readonly number[]
  readonly #series: Series<L, Observed>

  constructor({ name, help, labelNames, registry }: Told<L>, bounds: readonly number[]) {
    this.name = name
    this.help = help
    this.labelNames = labelNames
    this.#bounds = bounds
    this.#series = new Series(labelNames, () => ({ inBucket: [...bounds.map(() => 0), 0], count: 0, sum: 0 }))
    register(registry, this)
  }

  observe(this: Histogram, value: number): void
  observe(value: number, labels: Labels<L>): void
  observe(value: number, labels = {} as Labels<L>): void {
    const observed = this.#series.of(labels)
    observed.sum += value
    observed.count += 1
    const bucket = bucketOf(this.#bounds, value)
    observed.inBucket[bucket] = (observed.inBucket[bucket] ?? 0) + 1
  }

  async get() {
    const values = this.#series.all.flatMap(({ labels: sharedLabels, tally }) =>
      this.#lines(tally).map((line) => ({ ...line, sharedLabels })),
    )
    return { name: this.name, help: this.help, type: 'histogram', aggregator: 'sum', values }
  }

  #lines({ inBucket, count, sum }: Observed) {
    const bucket = (le: number | string, value: number) => ({
      metricName: `${this.name}_bucket`,
      labels: { le },
      value,
    })
    let upTo = 0
    const buckets = this.#bounds.map((bound, i) => {
      upTo += inBucket[i] ?? 0
      return bucket(bound, upTo)
    })
    return [
      ...buckets,
      bucket('+Inf', count),
      { metricName: `${this.name}_sum`, labels: {}, value: sum },
      { metricName: `${this.name}_count`, labels: {}, value: count },
    ]
  }
}

function bucketOf(bounds: readonly number[], value: number): number {
  let bucket = 0
  while (value > (bounds[bucket] ?? Number.POSITIVE_INFINITY)) bucket += 1
  return bucket
}

class Branch<T> {
  readonly further = new Map<string, Branch<T>>()
  tally: T | undefined
}

/** A tally for each set of labels, in the order in which they came; without labels there is one from the start. */
class Series<L extends string, T> {
  readonly all: { readonly labels: Labels<L>; readonly tally: T }[] = []
  readonly #labelNames: readonly L[]
  readonly #begin: () => T
  readonly #root = new Branch<T>()

  constructor(labelNames: readonly L[], begin: () => T) {
    this.#labelNames = labelNames
    this.#begin = begin
    if (labelNames.length === 0) this.of({} as Labels<L>)
  }

  of(labels: Labels<L>): T {
    let branch = this.#root
    for (const label of this.#labelNames) {
      let next = branch.further.get(labels[label])
      if (next === undefined) {
        next = new Branch()
        branch.further.set(labels[label], next)
      }
      branch = next
    }
    if (branch.tally === undefined) {
      branch.tally = this.#begin()
      this.all.push({ labels, tally: branch.tally })
    }
    return branch.tally
  }
}
