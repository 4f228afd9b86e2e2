/** MAIL: may this session open a transaction with this reverse-path? */
import { refusal } from '../mail/rule.ts'
import { judgeConnect } from '../rules/connect.ts'
import { judgeMailFrom } from '../rules/mail-from.ts'
import { judgeSize } from '../rules/size.ts'
import { type Check, firstRefusal } from '../rules/verdict.ts'
import { loginInForce } from './auth.ts'
import { peek } from './counts.ts'
import { type Decision, type Inbound, refuse } from './inbound.ts'
import { readMailParameters } from './parameters.ts'
import { readPathLine } from './path-line.ts'
import { protocol } from './protocol.ts'
import type { Session, Transaction } from './session.ts'

type Opening = Pick<Transaction, 'reversePath' | 'parameters' | 'revision'>

type Facts = { readonly inbound: Inbound; readonly session: Session }

/** What a session that has logged in has to pass before its login and the command itself are looked at. */
const checks: readonly Check<Facts>[] = [
  ({ session }) => (session.transaction ? protocol.inTransaction : undefined),
  // Since the session began, its network may have been denied, or the fleet suspended.
  ({ inbound, session }) => judgeConnect(inbound.inForce().config, session.client),
  ({ inbound, session }) =>
    session.messages < inbound.inForce().config.limits.messagesPerConnection
      ? undefined
      : refusal('admission.limits.messagesPerConnection'),
  ({ inbound: { spool } }) =>
    spool.fault === undefined ? undefined : refusal(spool.isFull ? 'queue.storage' : 'always.unavailable'),
]

export function mailFrom(inbound: Inbound, session: Session, line: string): Decision<Opening> {
  if (session.tls === '') return refuse(refusal('always.tls'))
  if (!session.login) return refuse(refusal('always.authentication'))
  const refused = firstRefusal(checks, { inbound, session })
  if (refused) return refuse(refused)
  const login = loginInForce(inbound, session, session.login)
  if (login.kind === 'refused') return refuse(login.refusal)

  const command = readPathLine('MAIL', line)
  if (command.kind === 'refused') return refuse(command.refusal)
  const read = readMailParameters(command.parameters)
  if (read.kind === 'refused') return refuse(read.refusal)
  const { parameters } = read
  const { config, revision } = inbound.inForce()
  const tooMuch = judgeSize(config, parameters.size, inbound.spool.claimed)
  if (tooMuch) return refuse(tooMuch)

  const facts = { config, credential: login.credential, smtpUtf8: parameters.smtpUtf8 }
  const verdict = judgeMailFrom(facts, command.path)
  if (verdict.refusal) return refuse(verdict.refusal, verdict.audited)
  // A limit that is used up is said here, before the client sends its content; recipients are counted when the content is there.
  const over = peek(inbound, login.credential, 1)
  if (over) return refuse(over, verdict.audited)
  return { kind: 'accepted', value: { reversePath: command.path, parameters, revision }, audited: verdict.audited }
}
