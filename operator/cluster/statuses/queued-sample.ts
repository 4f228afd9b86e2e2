/** How many messages wait at each pod, for its status: a round figure, sampled once a minute. */
import { waitingIn } from '../../waiting.ts'
import type { AskedPod } from './inquiry.ts'

export const sampleMs = 60_000

/** Rounds down to 1, 2, 5, 10, 20, 50 …, so that a status changes only when a queue has grown or shrunk much. Pure. */
export function roundFigure(count: number): number {
  if (count < 1) return 0
  const power = 10 ** Math.floor(Math.log10(count))
  return power * (count >= 5 * power ? 5 : count >= 2 * power ? 2 : 1)
}

type Count = { readonly messages: number; readonly drainSince: number | undefined }

export class QueuedSample {
  #counts: ReadonlyMap<string, Count> = new Map()
  #takenAt = Number.NEGATIVE_INFINITY

  of(uid: string): number | undefined {
    return this.#counts.get(uid)?.messages
  }

  /** Samples all pods once a minute; and at once those that are new, or have just been told to leave or to stay. */
  take(pods: readonly AskedPod[], now: number): void {
    const due = Math.abs(now - this.#takenAt) >= sampleMs
    if (due) this.#takenAt = now
    this.#counts = new Map(
      pods.flatMap(({ pod: { uid, drainSince }, report }) => {
        const before = due ? undefined : this.#counts.get(uid)
        const kept = before !== undefined && before.drainSince === drainSince ? before : undefined
        if (report === undefined) return kept === undefined ? [] : [[uid, kept]]
        return [[uid, kept ?? { messages: roundFigure(waitingIn(report.queue)), drainSince }]]
      }),
    )
  }
}
