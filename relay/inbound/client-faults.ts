/** Refusals that are the client's fault, and commands that do nothing or nothing new: how many a session may have since its last accepted message. */
import type { Stage } from '../events.ts'
import { type Refusal, type RuleId, refusal } from '../mail/rule.ts'
import { errorsPerSession, idleCommandsPerSession, refusalsPerSession } from './limits.ts'
import { isOwnFault } from './own-faults.ts'
import { protocol } from './protocol.ts'

const protocolRules: ReadonlySet<RuleId> = new Set([
  'always.syntax',
  'always.sequence',
  'always.tls',
  'always.tlsBeforeAuth',
  'always.authentication',
])

const grammar: ReadonlySet<Refusal> = new Set(Object.values(protocol))

/**
 * A path that is no mailbox is one recipient's fault: a list may hold ten of them, and the others are to get their mail. So is
 * what is no path at all: many clients put brackets around whatever a list holds.
 */
const isOfMailbox = (refused: Refusal, stage: Stage): boolean =>
  ((stage === 'mail' || stage === 'rcpt') && refused.rule === 'always.syntax' && !grammar.has(refused)) ||
  (stage === 'rcpt' && refused === protocol.path)

/** Of one session. */
export class ClientFaults {
  #errors = 0
  #refusals = 0
  #idleCommands = 0

  /** No further command is carried out. */
  get areTooMany(): boolean {
    return this.#idleCommands > idleCommandsPerSession || this.#refusals >= refusalsPerSession
  }

  idled(): void {
    this.#idleCommands++
  }

  /** It names a recipient that the transaction has, as a list may a few hundred times. */
  repeated(): void {
    this.#refusals++
  }

  accepted(): void {
    this.#errors = 0
    this.#refusals = 0
    this.#idleCommands = 0
  }

  /**
   * What to say last: a broken protocol ends the session with its last error; mail keeps its own verdict, and the session
   * ends after it. `follows`: the client has sent the command before it could know that another one is refused.
   */
  count(refused: Refusal, stage: Stage, follows: boolean): Refusal {
    if (isOwnFault(refused) && stage !== 'rcpt') return refused
    if (!protocolRules.has(refused.rule) || isOfMailbox(refused, stage) || follows) {
      this.#refusals++
      return refused
    }
    this.#errors++
    return this.#errors >= errorsPerSession ? refusal('always.errors') : refused
  }
}
