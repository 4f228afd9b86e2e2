/** What a full run of the bench leaves: the raw numbers of every contestant, or why it has none. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Run } from './lane.ts'
import type { Latency } from './latency.ts'

export const fullShapes = {
  smallReused: { bytes: 4096 },
  smallPipelined: { bytes: 4096, pipelined: true },
  smallSingle: { bytes: 4096, messagesPerConnection: 1 },
  largeReused: { bytes: 102_400 },
  largeSingle: { bytes: 102_400, messagesPerConnection: 1 },
} as const
export type Shape = keyof typeof fullShapes
export const shapeNames = Object.keys(fullShapes) as readonly Shape[]

/** The memory of all processes of a contestant together. */
export type Weight = { readonly pssBytes: number; readonly rssBytes: number; readonly processes: number }

export type Entry = {
  readonly name: string
  readonly version: string
  /** Why it did not take part, or only in the first measurements. */
  skipped?: string
  /** The measurements that failed, each with its error. */
  readonly failures: string[]
  readonly runs: Readonly<Record<Shape, Run[]>>
  readonly alone: Latency[]
  /** With a client that offers only X25519 for the key exchange, which all servers know. */
  readonly aloneX25519: Latency[]
  readonly crowded: Latency[]
  readonly memory: { idle?: Weight; sessions?: Weight; load?: Weight }
  fsyncs?: number
}

export type Results = {
  readonly at: string
  readonly revision: string
  readonly machine: { readonly cpu?: string | undefined; readonly cores: number; readonly kernel: string }
  /** The machine's, over one minute, before the bench and after it. */
  readonly loadAverage: readonly number[]
  readonly rounds: number
  readonly seconds: number
  readonly sessions: number
  /** Messages a second that the load itself can submit: to the sink, without TLS. */
  readonly loadCeiling: number
  readonly entries: readonly Entry[]
}

const folder = join(import.meta.dirname, 'results')
export const resultsFile = (bench: string, at: string): string => join(folder, `${bench}-${at.slice(0, 10)}.json`)

export function keep(results: object, file: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`)
}

/** The newest results that are kept in the repository; undefined if there are none. */
export function newestResults(): Results | undefined {
  const name = readdirSync(folder)
    .filter((file) => /^full-.*\.json$/.test(file))
    .sort()
    .at(-1)
  return name === undefined ? undefined : (JSON.parse(readFileSync(join(folder, name), 'utf8')) as Results)
}
