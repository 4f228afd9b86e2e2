/** Refusals that are our own fault, as for a full disk: a client that repeats without a pause has few lines of the log, and is sent away. */
import type { Stage } from '../events.ts'
import type { Refusal, RuleId } from '../mail/rule.ts'
import { ownFaultsPerSession } from './limits.ts'

const ours: ReadonlySet<RuleId> = new Set(['always.unavailable', 'always.memory', 'queue.storage'])
const lineEveryMs = 1000

export const isOwnFault = ({ rule }: Refusal): boolean => ours.has(rule)

/** Of one session. */
export class OwnFaults {
  #count = 0
  #linedAt = Number.NEGATIVE_INFINITY
  #unlined = 0
  /** Of the last refusal that followed no other. */
  #hasLine = true

  /**
   * What to say, and whether it has a line: behind a refusal, where that has one. The last one of a session ends it, for now; of a
   * list of recipients, each with a verdict of its own, those that were taken are to get their mail.
   */
  see(refused: Refusal, stage: Stage, follows: boolean): { readonly said: Refusal; readonly hasLine: boolean } {
    if (follows) return { said: refused, hasLine: this.#hasLine }
    if (!isOwnFault(refused)) {
      this.#hasLine = true
      return { said: refused, hasLine: true }
    }
    const now = performance.now()
    this.#hasLine = now - this.#linedAt >= lineEveryMs
    if (this.#hasLine) this.#linedAt = now
    else this.#unlined++
    const isLast = stage !== 'rcpt' && ++this.#count >= ownFaultsPerSession
    return { said: isLast ? { ...refused, reply: { ...refused.reply, code: 421 } } : refused, hasLine: this.#hasLine }
  }

  accepted(): void {
    this.#count = 0
  }

  /** Tells how many had no line. */
  end(tell: (times: number) => void): void {
    if (this.#unlined > 0) tell(this.#unlined)
  }
}
