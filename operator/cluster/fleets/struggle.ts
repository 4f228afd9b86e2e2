/**
 * Tells drift, which is set right, from a struggle: an object that is changed again each time it is written, by an admission
 * webhook or by another program. To go on writing it would never end (case K12).
 */
import { told } from '../api/api.ts'
import type { KubeObject } from '../api/object.ts'
import { firstLack } from '../write/holds.ts'
import { hashAnnotation } from '../write/ownership.ts'
import { identityOf } from '../write/prune.ts'

/** So many writes of the same content still count as drift. */
const drifts = 5
const forgottenMs = 300_000

type Written = {
  readonly hash: string | undefined
  readonly times: number
  readonly at: number
  /** The version that it was written over. */
  readonly over: string | undefined
}

export class Struggles {
  readonly #written = new Map<string, Written>()

  /**
   * Takes note that `before` was replaced by `after`; returns the trouble in words once it is a struggle. A write that
   * changed nothing is not counted: a webhook that always sets the same value is left to it. Nor is a second write over the
   * same version: it only means that the watch tells late of the first one.
   */
  wrote(desired: KubeObject, before: KubeObject | undefined, after: KubeObject, now: number): string | undefined {
    const identity = identityOf(after)
    const hash = after.metadata.annotations?.[hashAnnotation]
    const over = before?.metadata.resourceVersion
    const last = this.#written.get(identity)
    if (over === after.metadata.resourceVersion || (over !== undefined && over === last?.over)) return undefined
    const goesOn = last !== undefined && last.hash === hash && now - last.at < forgottenMs
    const times = goesOn ? last.times + 1 : 1
    this.#written.set(identity, { hash, times, at: now, over })
    if (times <= drifts) return undefined
    return (
      `${told(after)}: ${changed(before, desired)} each time it is written, by an admission webhook, by another program, ` +
      'or by a second operator that watches this namespace; find it, and have it leave this object alone'
    )
  }
}

function changed(before: KubeObject | undefined, desired: KubeObject): string {
  if (before === undefined) return 'it is deleted'
  return `${firstLack(before, desired) ?? 'what marks it as ours'} is set otherwise`
}
