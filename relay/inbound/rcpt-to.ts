/** RCPT: may this transaction go to this forward-path too? */
import { formOf, parsePath } from '../mail/address.ts'
import type { RecipientWish } from '../mail/report-wishes.ts'
import { refusal } from '../mail/rule.ts'
import { judgeRcptTo } from '../rules/rcpt-to.ts'
import { loginInForce } from './auth.ts'
import { roomFor } from './counts.ts'
import { type Decision, type Inbound, refuse } from './inbound.ts'
import { readRcptParameters } from './parameters.ts'
import { readPathLine } from './path-line.ts'
import { protocol } from './protocol.ts'
import type { Session } from './session.ts'

/** `form` is the one in which paths are compared (`formOf`). */
type ForwardPath = { readonly path: string; readonly form: string; readonly wish: RecipientWish }

/** A recipient that the transaction has already is accepted again, and kept once, as it was named first. */
export function rcptTo(inbound: Inbound, session: Session, line: string): Decision<ForwardPath> {
  const { login: known, transaction } = session
  if (!known || !transaction) return refuse(protocol.mailFirst)
  const login = loginInForce(inbound, session, known)
  if (login.kind === 'refused') return refuse(login.refusal)

  const command = readPathLine('RCPT', line)
  if (command.kind === 'refused') return refuse(command.refusal)
  const read = readRcptParameters(command.parameters)
  if (read.kind === 'refused') return refuse(read.refusal)

  const { path } = command
  const mailbox = parsePath(path)
  const form = formOf(path, mailbox)
  const { recipients, parameters } = transaction
  const isKnown = recipients.has(form)
  const others = recipients.size - (isKnown ? 1 : 0)
  const { config } = inbound.inForce()
  const facts = { config, credential: login.credential, smtpUtf8: parameters.smtpUtf8 }
  const verdict = judgeRcptTo(facts, path, others, mailbox)
  if (verdict.refusal) return refuse(verdict.refusal, verdict.audited)
  const full = roomFor(inbound, login.credential, others)
  if (full) return refuse(full, verdict.audited)
  if (recipients.areMuch && !isKnown) return refuse(refusal('always.memory'), verdict.audited)
  return { kind: 'accepted', value: { path, form, wish: read.parameters }, audited: verdict.audited }
}
