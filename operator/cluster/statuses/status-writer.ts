/** Writes statuses, a few at a time and policies first: for each object only the newest. One that fails waits alone. */
import { apiVersion } from '../../../crds/kinds.ts'
import type { Backoff } from '../../backoff.ts'
import { isOf, namespaceIn, type Ref, splitRef } from '../../compile/snapshot.ts'
import type { StampedStatus } from '../../observed-status.ts'
import type { Api } from '../api/api.ts'
import { isConflict, isNotFound } from '../api/api-error.ts'
import type { KubeObject } from '../api/object.ts'
import { waitAfterMs } from '../api/wait-after.ts'
import { Room } from '../write/room.ts'

export type StatusJob = {
  readonly ref: Ref
  /** The uid of the object; a later object of its name does not get this status. */
  readonly uid: string
  readonly status: StampedStatus
}

type Writing = {
  readonly api: Pick<Api, 'apply'>
  readonly mayWrite: () => boolean
  readonly signal: AbortSignal
  readonly written: (job: StatusJob, object: KubeObject) => void
  /** Not written, and not to be tried again: the object is gone, or another one has its name, or another operator leads. */
  readonly gone: (job: StatusJob) => void
  readonly failed: (job: StatusJob, error: unknown) => void
  readonly backoff?: Backoff
  readonly took?: ((ms: number) => void) | undefined
}

type Lane = {
  next: StatusJob | undefined
  busy: boolean
  /** The status that is being written was dropped meanwhile: where that fails, it is not tried again. */
  dropped: boolean
  failures: number
  retry: NodeJS.Timeout | undefined
}

const ordinary: Backoff = { firstMs: 500, longestMs: 60_000 }

export class StatusWriter {
  readonly #writing: Writing
  readonly #lanes = new Map<Ref, Lane>()
  /**
   * The objects whose status may be written now, by namespace, in the order in which they came; policies go before the
   * others.
   */
  readonly #policies: Queue = new Map()
  readonly #others: Queue = new Map()
  readonly #room = new Room(() => this.#start())

  constructor(writing: Writing) {
    this.#writing = writing
  }

  /** Replaces what waits for this object. */
  give(job: StatusJob): void {
    const lane = this.#lanes.get(job.ref) ?? { ...idle }
    lane.next = job
    this.#lanes.set(job.ref, lane)
    if (!lane.busy && lane.retry === undefined) this.#enqueue(job.ref)
  }

  /** What waits for this object is no longer to be written. */
  drop(ref: Ref): void {
    const lane = this.#lanes.get(ref)
    if (lane === undefined) return
    clearTimeout(lane.retry)
    lane.next = undefined
    lane.dropped = true
    if (!lane.busy) this.#lanes.delete(ref)
    remove(ref, this.#queueOf(ref))
  }

  /** Nothing more is started. */
  clear(): void {
    for (const ref of [...this.#lanes.keys()]) this.drop(ref)
  }

  #enqueue(ref: Ref): void {
    const queue = this.#queueOf(ref)
    const namespace = namespaceIn(ref)
    const waiting = queue.get(namespace) ?? new Set()
    queue.set(namespace, waiting.add(ref))
    this.#start()
  }

  #queueOf(ref: Ref): Queue {
    return isOf(ref, 'RelayPolicy') ? this.#policies : this.#others
  }

  #start(): void {
    for (const queue of [this.#policies, this.#others]) while (this.#startOneOfEach(queue));
  }

  /**
   * Starts one write for each namespace; whether any was started. Behind a namespace that has no room nothing is looked at,
   * since thousands may wait there.
   */
  #startOneOfEach(queue: Queue): boolean {
    let isAny = false
    for (const [namespace, [ref]] of queue) {
      if (this.#room.isFull) return false
      const leave = ref === undefined ? undefined : this.#room.enter(namespace)
      if (ref === undefined || leave === undefined) continue
      remove(ref, queue)
      this.#begin(ref, leave)
      isAny = true
    }
    return isAny
  }

  #begin(ref: Ref, leave: () => void): void {
    const lane = this.#lanes.get(ref)
    if (lane?.next === undefined) leave()
    else void this.#work(ref, lane, lane.next).finally(leave)
  }

  async #work(ref: Ref, lane: Lane, job: StatusJob): Promise<void> {
    const { api, mayWrite, signal, written, gone, took } = this.#writing
    lane.next = undefined
    if (signal.aborted || !mayWrite()) {
      this.#lanes.delete(ref)
      gone(job)
      return
    }
    lane.busy = true
    lane.dropped = false
    const begin = performance.now()
    try {
      const object = await api.apply(statusObject(job), { force: true, subresource: 'status', signal })
      lane.failures = 0
      took?.(performance.now() - begin)
      written(job, object)
    } catch (error) {
      this.#note(ref, lane, job, error)
    }
    lane.busy = false
    if (lane.next === undefined && lane.retry === undefined) this.#lanes.delete(ref)
    else if (lane.retry === undefined) this.#enqueue(ref)
  }

  #note(ref: Ref, lane: Lane, job: StatusJob, error: unknown): void {
    const { signal, gone, failed, backoff = ordinary } = this.#writing
    if (signal.aborted) return
    if (isNotFound(error) || isConflict(error)) {
      gone(job)
      return
    }
    failed(job, error)
    if (lane.dropped && lane.next === undefined) return
    lane.failures += 1
    lane.next ??= job
    lane.retry = setTimeout(
      () => {
        lane.retry = undefined
        this.#enqueue(ref)
      },
      waitAfterMs(error, lane.failures, backoff, Math.random()),
    )
  }
}

type Queue = Map<string, Set<Ref>>

function remove(ref: Ref, queue: Queue): void {
  const namespace = namespaceIn(ref)
  const waiting = queue.get(namespace)
  waiting?.delete(ref)
  if (waiting?.size === 0) queue.delete(namespace)
}

const idle: Lane = { next: undefined, busy: false, dropped: false, failures: 0, retry: undefined }

function statusObject({ ref, uid, status }: StatusJob): KubeObject {
  const { kind, namespace, name } = splitRef(ref)
  return { apiVersion, kind, metadata: { namespace, name, uid }, status }
}
