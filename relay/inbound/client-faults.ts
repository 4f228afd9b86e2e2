/** Refusals that are the client's fault, and commands that do nothing: how many a session may have since its last accepted message. */
import type { Stage } from '../events.ts'
import { type Refusal, type RuleId, refusal } from '../mail/rule.ts'
import { errorsPerSession, idleCommandsPerSession, refusalsPerSession } from './limits.ts'
import { isOwnFault } from './own-faults.ts'
import { protocol } from './protocol.ts'

/** Refusals by these rules are errors of the protocol (`errorsPerSession`); all others are refusals of mail (`refusalsPerSession`). */
const protocolRules: ReadonlySet<RuleId> = new Set([
  'always.syntax',
  'always.sequence',
  'always.tls',
  'always.tlsBeforeAuth',
  'always.authentication',
])

const grammar: ReadonlySet<Refusal> = new Set(Object.values(protocol))

/**
 * A path that is no mailbox, or no path at all, counts as refused mail and not as a broken protocol: many clients put angle brackets
 * around whatever their list of recipients holds. It may hold ten of them, and the other recipients are to get their mail.
 */
const isOfMailbox = (refused: Refusal, stage: Stage): boolean =>
  ((stage === 'mail' || stage === 'rcpt') && refused.rule === 'always.syntax' && !grammar.has(refused)) ||
  (stage === 'rcpt' && refused === protocol.path)

/** The counts of one session. */
export class ClientFaults {
  #errors = 0
  #refusals = 0
  #idleCommands = 0

  /** The session is spent: no further command is carried out. */
  get areTooMany(): boolean {
    return this.#idleCommands > idleCommandsPerSession || this.#refusals >= refusalsPerSession
  }

  idled(): void {
    this.#idleCommands++
  }

  /** RCPT named a recipient that the transaction has already. Lists do that, a few hundred times, so it is no error of the protocol. */
  repeated(): void {
    this.#refusals++
  }

  accepted(): void {
    this.#errors = 0
    this.#refusals = 0
    this.#idleCommands = 0
  }

  /**
   * Counts a refusal, and returns the one to say. An error of the protocol that is one too many becomes `always.errors`, which ends
   * the session; refused mail keeps its own verdict, and the next command ends the session (`areTooMany`). `follows`: the client had
   * pipelined this command before it could know that the one before is refused, so it is no error of the protocol.
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
