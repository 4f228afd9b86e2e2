/** Measures at an interval what a relay's process holds: its memory and descriptors from /proc, and the heap that it reports. */
import { readdirSync, readFileSync } from 'node:fs'
import type { Relay } from './relay-process.ts'
import { lows, type Sample, slopePerHour } from './trend.ts'

export type Gauge = {
  readonly memory: readonly Sample[]
  /** What V8 has in use; a low value, just after a collection, is near the live part. */
  readonly heap: readonly Sample[]
  readonly descriptors: readonly Sample[]
  stop(): void
}

const pageBytes = 4096

const residentBytes = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * pageBytes

export const descriptorsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length

export function gauge({ pid, metric }: Pick<Relay, 'pid' | 'metric'>, everyMs = 1000): Gauge {
  const begun = performance.now()
  const memory: Sample[] = []
  const heap: Sample[] = []
  const descriptors: Sample[] = []
  const timer = setInterval(() => {
    const atMs = performance.now() - begun
    memory.push({ atMs, value: residentBytes(pid) })
    descriptors.push({ atMs, value: descriptorsOf(pid) })
    void metric('nodejs_heap_size_used_bytes').then(
      (value) => heap.push({ atMs, value }),
      () => undefined,
    )
  }, everyMs)
  return { memory, heap, descriptors, stop: () => clearInterval(timer) }
}

const mebi = 1024 * 1024
/** Octets in MiB, to a tenth. */
export const inMebibytes = (bytes: number): number => Math.round((bytes / mebi) * 10) / 10

/** How fast the lows of each span grow after `warmUpMs`, in MiB an hour. */
export const memorySlope = (memory: readonly Sample[], warmUpMs: number, spanMs: number): number =>
  inMebibytes(
    slopePerHour(
      lows(
        memory.filter(({ atMs }) => atMs >= warmUpMs),
        spanMs,
      ),
    ),
  )
