/** The refusals of one session: each is logged and counted, and one too many ends the session with its reply. */
import type { Events, Stage } from '../events.ts'
import type { Reply } from '../mail/reply.ts'
import type { Refusal } from '../mail/rule.ts'
import { ClientFaults } from './client-faults.ts'
import { OwnFaults } from './own-faults.ts'
import { protocol } from './protocol.ts'
import { factsOf, type Session } from './session.ts'

export class Refusals {
  readonly #events: Pick<Events, 'refused' | 'refusedMoreOften'>
  readonly #session: Session
  readonly #ownFaults = new OwnFaults()
  readonly clientFaults = new ClientFaults()
  /** The last MAIL of a client that has shown who it is was refused, so the RCPT and DATA pipelined behind it fail as well. */
  mailRefused = false

  constructor(events: Pick<Events, 'refused' | 'refusedMoreOften'>, session: Session) {
    this.#events = events
    this.#session = session
  }

  /** Returns the reply to give. `path`: the one that is refused; behind 354 the reverse-path of the message (events.ts). */
  refuse(stage: Stage, refused: Refusal, path = this.#pathAt(stage)): Reply {
    const follows = this.#followsRefusal(refused)
    const { said, hasLine } = this.#ownFaults.see(refused, stage, follows)
    this.#events.refused(factsOf(this.#session), stage, said, path, hasLine)
    return this.lastWord(said, stage, follows)
  }

  /** The reply to a refusal that is logged already. Where it is one too many, that is logged as well, and is the reply. */
  lastWord(said: Refusal, stage: Stage, follows = false): Reply {
    const final = this.clientFaults.count(said, stage, follows)
    if (final !== said) this.#events.refused(factsOf(this.#session), stage, final)
    return final.reply
  }

  /** A message was accepted. */
  forgive(): void {
    this.#ownFaults.accepted()
    this.clientFaults.accepted()
  }

  /** The session is over. */
  end(): void {
    this.#ownFaults.end((times) => this.#events.refusedMoreOften(factsOf(this.#session), times))
  }

  #pathAt(stage: Stage): string | undefined {
    return stage === 'data' ? this.#session.transaction?.reversePath : undefined
  }

  /** A pipelining client has sent RCPT and DATA before it knows that MAIL or each RCPT is refused: no error of its own (RFC 2920). */
  #followsRefusal(refused: Refusal): boolean {
    return (refused === protocol.mailFirst && this.mailRefused) || refused === protocol.noValidRecipients
  }
}
