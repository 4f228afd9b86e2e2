/** Finds out from a relay's log what happened to an accepted message. Pure. */
import { type Fields, fieldsIn } from './log-line.ts'

export type Fate =
  | { readonly kind: 'captured' }
  | { readonly kind: 'delivered'; readonly reply: string }
  | { readonly kind: 'bounced'; readonly reply: string }
  /** Kept in the queue, and tried again. */
  | { readonly kind: 'deferred'; readonly reply: string }
  | { readonly kind: 'unknown' }

/**
 * The worst fate of any recipient, by the last log line about each; `unknown` until every accepted recipient has one. `atEnd`:
 * no more lines will come, so what is known has to do.
 */
export function fateOf(queueId: string, lines: readonly string[], atEnd = false): Fate {
  const about = lines
    .map((line) => (line.includes(queueId) ? fieldsIn(line) : undefined))
    .filter((fields) => fields !== undefined)
    .filter((fields) => fields['queueId'] === queueId)
  if (about.some((fields) => fields['msg'] === 'captured')) return { kind: 'captured' }
  const fates = fatesIn(about)
  const worst = worstFirst.map((kind) => fates.find((fate) => fate.kind === kind)).find((fate) => fate !== undefined)
  return worst !== undefined && isSettled(worst, about, atEnd) ? worst : { kind: 'unknown' }
}

const worstFirst = ['bounced', 'deferred', 'delivered'] as const

function fatesIn(about: readonly Fields[]): readonly Fate[] {
  const byRecipient = new Map<unknown, Fate>()
  for (const fields of about) {
    const fate = fateIn(fields)
    const recipient = fields['forwardPath']
    // A bounce is final. Where addresses are masked, a later line with the same text may be about another recipient.
    if (fate !== undefined && byRecipient.get(recipient)?.kind !== 'bounced') byRecipient.set(recipient, fate)
  }
  return [...byRecipient.values()]
}

/**
 * Whether no recipient can get a worse fate any more. The number of recipients is in the line about the acceptance, and a first
 * attempt may be logged before that line.
 */
function isSettled(worst: Fate, about: readonly Fields[], atEnd: boolean): boolean {
  if (worst.kind === 'bounced') return true
  const recipients = about.map((fields) => fields['forwardPaths']).find((paths) => Array.isArray(paths))
  if (recipients === undefined) return atEnd
  // A failed attempt is final only with the line `deferred`: until then, another smarthost may take the message.
  if (worst.kind === 'deferred') return atEnd || about.some((fields) => fields['msg'] === 'deferred')
  return about.filter((fields) => fateIn(fields)?.kind === 'delivered').length >= recipients.length
}

function fateIn(fields: Fields): Fate | undefined {
  const attempted = `${fields['code']} ${fields['status']} ${fields['text']}`
  if (fields['msg'] === 'bounced') return { kind: 'bounced', reply: String(fields['reply']) }
  // Also where nobody was asked, as while a key that signs is missing.
  if (fields['msg'] === 'deferred') return { kind: 'deferred', reply: String(fields['reply']) }
  if (fields['msg'] !== 'delivery attempted') return undefined
  switch (fields['outcome']) {
    case 'delivered':
      return { kind: 'delivered', reply: attempted }
    case 'bounced':
      return { kind: 'bounced', reply: attempted }
    default:
      return { kind: 'deferred', reply: attempted }
  }
}
