/** An attempt when its turn comes: messages of credentials that send few go first, and others have their turns in between. */
import type { Headroom } from '../headroom.ts'
import type { Turns } from '../turns.ts'
import { type Attempted, attempt, unreadable } from './attempt.ts'
import type { ContentSource } from './content.ts'
import type { Next } from './lane.ts'
import type { Signer } from './signer.ts'
import { forwardPathsOf } from './tracked.ts'
import type { Unread } from './unread.ts'

export type Attempting = {
  readonly spool: ContentSource
  readonly signer: Signer
  readonly unread: Pick<Unread, 'failed' | 'read'>
  readonly turns: Pick<Turns, 'turn'>
  readonly headroom: Pick<Headroom, 'enter'>
  /** Milliseconds on the steady clock (steady.ts). */
  readonly now: () => number
}

/** About how long one attempt takes the processor. */
const attemptCostMs = 0.25

/** Never throws: a content that can not be read is told, and its message waits. */
export async function attemptInTurn(
  { spool, signer, unread, turns, headroom, now }: Attempting,
  { pool, parcel, isHurried }: Next,
): Promise<Attempted> {
  const { envelope } = parcel.message
  const connections = pool.connections(() => isHurried(now()))
  const owner = { rank: 'delivery', name: envelope.credential } as const
  const room = headroom.enter(owner)
  if (room !== undefined) await room
  await turns.turn(owner, attemptCostMs)
  try {
    const attempted = await attempt(connections, spool, signer, envelope, forwardPathsOf(parcel))
    unread.read(envelope.queueId)
    return attempted
  } catch (error) {
    unread.failed(envelope.queueId, error)
    return unreadable(error, parcel.recipients.length)
  }
}
