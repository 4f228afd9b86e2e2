/**
 * Decides which pods' kubelets are asked once more to look for changed Secrets: those whose relays lag, less and less often.
 */
import { type Backoff, backoffMs } from '../../backoff.ts'
import type { Name } from '../../compile/snapshot.ts'
import type { AskedPod } from './inquiry.ts'

/** No sooner than this, since the kubelets were asked when the Secrets were written. */
const afterMs = 2000
const backoff: Backoff = { firstMs: 4000, longestMs: 300_000 }

type Round = { readonly failures: number; readonly notBefore: number }

export class Nudging {
  readonly #rounds = new Map<Name, Round>()

  /** The names of the pods to nudge now, and when to ask again; milliseconds since the epoch. */
  due(fleet: Name, pods: readonly AskedPod[], now: number): { readonly pods: readonly string[]; readonly at?: number } {
    const lagging = pods.filter(({ lagsSince }) => lagsSince !== undefined)
    if (lagging.length === 0) {
      this.#rounds.delete(fleet)
      return { pods: [] }
    }
    const { failures, notBefore } = this.#rounds.get(fleet) ?? { failures: 0, notBefore: 0 }
    const first = Math.min(...lagging.map(({ lagsSince = now }) => lagsSince)) + afterMs
    const at = Math.max(first, notBefore)
    if (now < at) return { pods: [], at }
    const next = now + backoffMs(failures + 1, backoff, 1)
    this.#rounds.set(fleet, { failures: failures + 1, notBefore: next })
    const late = lagging.filter(({ lagsSince = now }) => now - lagsSince >= afterMs)
    return { pods: late.map(({ pod }) => pod.name), at: next }
  }
}
