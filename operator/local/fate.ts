/** What became of an accepted message, as the relay's log tells it. Pure. */

export type Fate =
  | { readonly kind: 'captured' }
  | { readonly kind: 'delivered'; readonly reply: string }
  | { readonly kind: 'bounced'; readonly reply: string }
  /** Kept, and tried again. */
  | { readonly kind: 'deferred'; readonly reply: string }
  | { readonly kind: 'unknown' }

type Fields = Readonly<Record<string, unknown>>

/** The worst fate among the recipients, by the last line about each; `unknown` until there is one. */
export function fateOf(queueId: string, lines: readonly string[]): Fate {
  const byRecipient = new Map<string, Fate>()
  for (const line of lines) {
    const fields = line.includes(queueId) ? parsed(line) : {}
    if (fields['queueId'] !== queueId) continue
    if (fields['msg'] === 'captured') return { kind: 'captured' }
    const fate = fateIn(fields)
    if (fate !== undefined) byRecipient.set(String(fields['forwardPath']), fate)
  }
  const fates = [...byRecipient.values()]
  return (['bounced', 'deferred', 'delivered'] as const).reduce<Fate>(
    (worst, kind) => (worst.kind === 'unknown' ? (fates.find((f) => f.kind === kind) ?? worst) : worst),
    { kind: 'unknown' },
  )
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
