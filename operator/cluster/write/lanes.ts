/**
 * Work for many fleets at once, each in a lane of its own: one that fails waits alone, and one that hangs delays no other.
 */
import type { Backoff } from '../../backoff.ts'
import { waitAfterMs } from '../api/wait-after.ts'

export type Lanes<Job> = {
  /**
   * A new job replaces the one that waits in the lane. `key` names what is to be done: where it is another than that of the
   * job which failed, the failures are forgotten, and it is tried at once.
   */
  give(lane: string, job: Job, key: string): void
  /** Resolves when every lane is at rest or waits for another try, at the latest after `patienceMs`. */
  rest(patienceMs: number): Promise<void>
  /** Nothing more is started. */
  close(): void
}

export type LaneWork<Job> = {
  readonly work: (lane: string, job: Job) => Promise<void>
  readonly failed: (lane: string, error: unknown, waitMs: number) => void
  readonly backoff?: Backoff
  readonly random?: () => number
  /** How long a job took that did not fail; milliseconds. */
  readonly took?: ((ms: number) => void) | undefined
}

type Lane<Job> = {
  next: { readonly job: Job; readonly key: string } | undefined
  busy: boolean
  failures: number
  /** The key of the job that failed last. */
  failedKey: string | undefined
  retry: NodeJS.Timeout | undefined
}

const ordinary: Backoff = { firstMs: 500, longestMs: 60_000 }

export function openLanes<Job>(laneWork: LaneWork<Job>): Lanes<Job> {
  const { work, failed, backoff = ordinary, random = Math.random, took } = laneWork
  const lanes = new Map<string, Lane<Job>>()
  const waiting = new Set<() => void>()
  let closed = false

  const isResting = (): boolean => [...lanes.values()].every((l) => !l.busy)
  const noteRest = (): void => {
    if (isResting()) for (const resolve of waiting) resolve()
  }

  async function run(name: string, lane: Lane<Job>): Promise<void> {
    lane.busy = true
    while (lane.next !== undefined && lane.retry === undefined && !closed) {
      const now = lane.next
      lane.next = undefined
      const begin = performance.now()
      try {
        await work(name, now.job)
        lane.failures = 0
        took?.(performance.now() - begin)
      } catch (error) {
        fail(name, lane, now, error)
      }
    }
    lane.busy = false
    if (lane.next === undefined) lanes.delete(name)
    noteRest()
  }

  function fail(name: string, lane: Lane<Job>, now: NonNullable<Lane<Job>['next']>, error: unknown): void {
    lane.failures = lane.failedKey === now.key ? lane.failures + 1 : 1
    lane.failedKey = now.key
    const waitMs = waitAfterMs(error, lane.failures, backoff, random())
    failed(name, error, waitMs)
    // A job that came meanwhile is newer; where its key is another one, it need not wait for the failure of this one.
    const isOther = lane.next !== undefined && lane.next.key !== now.key
    lane.next ??= now
    if (!isOther) wait(name, lane, waitMs)
  }

  function wait(name: string, lane: Lane<Job>, ms: number): void {
    lane.retry = setTimeout(() => {
      lane.retry = undefined
      if (!closed) void run(name, lane)
    }, ms)
  }

  return {
    give(name, job, key) {
      if (closed) return
      const lane = lanes.get(name) ?? {
        next: undefined,
        busy: false,
        failures: 0,
        failedKey: undefined,
        retry: undefined,
      }
      lanes.set(name, lane)
      lane.next = { job, key }
      if (lane.retry !== undefined && lane.failedKey === key) return
      clearTimeout(lane.retry)
      lane.retry = undefined
      if (!lane.busy) void run(name, lane)
    },
    async rest(patienceMs) {
      if (isResting()) return
      const rest = Promise.withResolvers<void>()
      waiting.add(rest.resolve)
      const timeout = setTimeout(rest.resolve, patienceMs)
      await rest.promise
      clearTimeout(timeout)
      waiting.delete(rest.resolve)
    },
    close() {
      closed = true
      for (const lane of lanes.values()) clearTimeout(lane.retry)
    },
  }
}
