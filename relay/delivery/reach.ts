/** Whether exchangers are within reach at all: if one after another is not, the way out is closed. Pure but for its memory. */
import type { SmarthostStatus } from '../http.ts'
import type { Outcome } from '../mail/outcome.ts'
import type { Reply } from '../mail/reply.ts'
import { isFailure } from './health.ts'

/** So many different ones in a row that were not reached: then it is not they that are down. */
const enough = 10

/** In our own words: an exchanger that says so itself has not reached another host. */
const isUnreached = ({ kind, reply }: Outcome): boolean =>
  kind === 'deferred' && reply.status === '4.4.1' && reply.said === undefined

export class Reach {
  readonly #unreached = new Set<string>()
  #carried = false
  #last: { readonly reply: Reply; readonly at: number } | undefined

  learn(host: string, outcomes: readonly Outcome[], now: number): void {
    const unreached = outcomes.find(isUnreached)
    if (unreached === undefined) {
      if (this.#unreached.size > 0) this.#unreached.clear()
      // One that was reached and failed has carried nothing.
      this.#carried ||= !outcomes.some(isFailure)
      return
    }
    this.#last = { reply: unreached.reply, at: now }
    if (this.#unreached.size < enough) this.#unreached.add(host)
  }

  describe(timeOf: (at: number) => string): Omit<SmarthostStatus, 'route' | 'name'> {
    if (this.#unreached.size < enough || this.#last === undefined) {
      return { health: this.#carried ? 'healthy' : 'unproven' }
    }
    const { code, status } = this.#last.reply
    const text = `none of ${enough} exchangers in a row was reached: is port 25 closed on the way out?`
    return { health: 'ejected', lastReply: { code, status, text, at: timeOf(this.#last.at) } }
  }
}
