/** Refusals that are our own fault, e.g. a full disk: a client that tries on without a pause gets few log lines, and then 421. */
import type { Stage } from '../events.ts'
import type { Refusal, RuleId } from '../mail/rule.ts'
import { ownFaultsPerSession } from './limits.ts'

const ours: ReadonlySet<RuleId> = new Set(['always.unavailable', 'always.memory', 'queue.storage'])
const lineEveryMs = 1000

export const isOwnFault = ({ rule }: Refusal): boolean => ours.has(rule)

/** The counts of one session. */
export class OwnFaults {
  #count = 0
  #linedAt = Number.NEGATIVE_INFINITY
  #unlined = 0
  /** Whether the last refusal had a log line, that did not merely follow another one in a pipeline. */
  #hasLine = true

  /**
   * The refusal to say, and whether it gets a log line; one that only `follows` another in a pipeline gets one where that did. A
   * fault that is one too many (`ownFaultsPerSession`) is said with 421, which ends the session; never at RCPT, where it concerns one
   * recipient, and those that were taken are to get their mail.
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

  /** The session is over: calls `tell` with the number of refusals that had no log line, if there were any. */
  end(tell: (times: number) => void): void {
    if (this.#unlined > 0) tell(this.#unlined)
  }
}
