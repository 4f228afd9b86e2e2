/** An outage as a spool sees it: its own mail fills the volume, and each attempt is one more state to be recorded. */
import type { RecipientState } from '../../../relay/mail/envelope.ts'
import type { Spool } from '../../../relay/spool/spool.ts'
import { accept, contentOf, draft, pending } from './contents.ts'

const atOnce = 20

/** Accepts messages of so many octets until one is refused; returns their queue ids. */
export async function fillWithMail(spool: Spool, bytes: number, forwardPaths: readonly string[]): Promise<string[]> {
  const ids: string[] = []
  for (let full = false; !full; ) {
    const adding = Array.from({ length: atOnce }, () => accept(spool, contentOf(1, bytes), { draft: { forwardPaths } }))
    for (const added of await Promise.allSettled(adding)) {
      if (added.status === 'fulfilled') ids.push(added.value.envelope.queueId)
      else full = true
    }
  }
  return ids
}

/** The deed for each message, some of them at once. */
export async function each(ids: readonly string[], deed: (id: string) => Promise<void>): Promise<void> {
  for (let n = 0; n < ids.length; n += atOnce) await Promise.all(ids.slice(n, n + atOnce).map(deed))
}

/** Every recipient after so many attempts. */
export const deferred = (forwardPaths: readonly string[], attempts: number): readonly RecipientState[] =>
  forwardPaths.map((path) => ({ ...pending(path), attempts, nextAttemptAt: draft.acceptedAt + attempts }))
