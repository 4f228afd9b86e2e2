/** What became of an accepted message, as the relay's log tells it. Pure. */

export type Fate =
  | { readonly kind: 'captured' }
  | { readonly kind: 'delivered'; readonly reply: string }
  | { readonly kind: 'bounced'; readonly reply: string }
  /** Kept, and tried again. */
  | { readonly kind: 'deferred'; readonly reply: string }
  | { readonly kind: 'unknown' }

type Fields = { readonly msg?: unknown } & Readonly<Record<string, unknown>>

/**
 * The worst fate among the recipients, by the last line about each; `unknown` until each of those that the message was
 * accepted for has one. `atEnd`: no further line is waited for.
 */
export function fateOf(queueId: string, lines: readonly string[], atEnd = false): Fate {
  const about = lines
    .map((line) => (line.includes(queueId) ? parsed(line) : {}))
    .filter((fields) => fields['queueId'] === queueId)
  if (about.some(({ msg }) => msg === 'captured')) return { kind: 'captured' }
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
    // Given up is for ever; where addresses are masked, a later line may be about another recipient.
    if (fate !== undefined && byRecipient.get(recipient)?.kind !== 'bounced') byRecipient.set(recipient, fate)
  }
  return [...byRecipient.values()]
}

/** Nobody's fate can be worse, as far as it is waited for. A first attempt may be told of before the acceptance, which says of how many. */
function isSettled(worst: Fate, about: readonly Fields[], atEnd: boolean): boolean {
  if (worst.kind === 'bounced') return true
  const recipients = about.map((fields) => fields['forwardPaths']).find((paths) => Array.isArray(paths))
  if (recipients === undefined) return atEnd
  // Until it is kept, another smarthost may take it.
  if (worst.kind === 'deferred') return atEnd || about.some(({ msg }) => msg === 'deferred')
  return about.filter((fields) => fateIn(fields)?.kind === 'delivered').length >= recipients.length
}

function fateIn(fields: Fields): Fate | undefined {
  const attempted = `${fields['code']} ${fields['status']} ${fields['text']}`
  if (fields['msg'] === 'bounced') return { kind: 'bounced', reply: String(fields['reply']) }
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

function parsed(line: string): Fields {
  try {
    return JSON.parse(line) as Fields
  } catch {
    return {}
  }
}
