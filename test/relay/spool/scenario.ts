/** A scenario for a spool, noted line by line: what was asked for and what was acknowledged. It has every state and deed. */
import type { QueuedMessage } from '../../../relay/mail/envelope.ts'
import type { Spool } from '../../../relay/spool/spool.ts'
import { accept, contentOf, draft, messagesOf, pending } from './contents.ts'
import { octets } from './samples.ts'

type Accepting = { readonly queueId: string; readonly bytes: number; readonly reports?: string }
export type Line =
  /** Noted before it is asked for. */
  | ({ readonly asked: 'accept' } & Accepting)
  | { readonly asked: 'record' | 'remove'; readonly queueId: string }
  /** Noted after it is durable. */
  | ({ readonly done: 'accept' } & Accepting)
  | { readonly done: 'remove'; readonly queueId: string }
  | { readonly done: 'record'; readonly queueId: string; readonly attempts: number }

export type Tell = (line: Line) => void

const made = new Map<string, Buffer>()
const mostMade = 200

/** The content of a message follows from its queue id and size, so that it can be checked anywhere. Those made last are kept. */
export function contentFor(queueId: string, bytes: number): Buffer {
  const key = `${queueId} ${bytes}`
  const known = made.get(key)
  if (known !== undefined) return known
  const content = contentOf([...queueId].reduce((sum, c) => 31 * sum + c.charCodeAt(0), bytes) % 65_521, bytes)
  if (made.size === mostMade) made.clear()
  made.set(key, content)
  return content
}

export async function live(spool: Spool, tell: Tell): Promise<void> {
  const deeds = deedsOn(spool, tell)
  await deeds.accept('first00000', 900)
  await Promise.all([
    deeds.accept('second0000', 1200),
    deeds.accept('large00000', 140_000),
    deeds.accept('empty00000', 0),
  ])
  await deeds.record('second0000', 1)
  await Promise.all([deeds.remove('first00000'), deeds.record('large00000', 1), deeds.accept('third00000', 30_000)])
  await deeds.accept('dsn0000000', 400, 'empty00000')
  await Promise.all([deeds.remove('empty00000'), deeds.remove('dsn0000000'), deeds.remove('large00000')])
  // Enough to begin new segments and to free old ones, while one message stays.
  for (const n of [1, 2, 3]) {
    const ids = ['a', 'b', 'c', 'd'].map((letter) => `${letter}filler${n}00`)
    await Promise.all(ids.map((id) => deeds.accept(id, 40_000)))
    await deeds.record('second0000', n + 1)
    await Promise.all(ids.map((id) => deeds.remove(id)))
  }
}

/** The deeds, each noted before it is asked for and after it is durable. */
export const deedsOn = (spool: Spool, tell: Tell) => ({
  async accept(queueId: string, bytes: number, reports?: string): Promise<void> {
    const accepting = { queueId, bytes, ...(reports !== undefined && { reports }) }
    tell({ asked: 'accept', ...accepting })
    await accept(spool, contentFor(queueId, bytes), {
      queueId,
      draft: reports === undefined ? {} : { reports: { queueId: reports, forwardPaths: draft.forwardPaths } },
    })
    tell({ done: 'accept', ...accepting })
  },
  async record(queueId: string, attempts: number): Promise<void> {
    tell({ asked: 'record', queueId })
    await spool.record(
      queueId,
      draft.forwardPaths.map((path) => ({ ...pending(path), attempts })),
    )
    tell({ done: 'record', queueId, attempts })
  },
  async remove(queueId: string): Promise<void> {
    tell({ asked: 'remove', queueId })
    await spool.remove(queueId)
    tell({ done: 'remove', queueId })
  },
})

/** The promises that a spool has broken if it was opened after these lines; empty if it kept all. */
export async function broken(spool: Spool, lines: readonly Line[]): Promise<readonly string[]> {
  const promised = promisesIn(lines)
  const ours = await messagesOf(spool)
  const there = new Set(ours.map((m) => m.envelope.queueId))
  const presence = [...promised.stages].flatMap(([queueId, stage]) => wrongPresence(queueId, stage, there.has(queueId)))
  const each = await Promise.all(ours.map((message) => wrongMessage(spool, message, promised)))
  return [...presence, ...each.flat()]
}

function wrongPresence(queueId: string, stage: Stage, there: boolean): readonly string[] {
  if (stage === 'ours' && !there) return [`${queueId} was acknowledged and is lost`]
  if (stage === 'ended' && there) return [`${queueId} was ended and is back`]
  return []
}

async function wrongMessage(spool: Spool, message: QueuedMessage, promised: Promised): Promise<readonly string[]> {
  const { queueId, bytes } = message.envelope
  const { sizes, attempts } = promised
  if (sizes.get(queueId) !== bytes) return [`${queueId} has ${bytes} octets, and had ${sizes.get(queueId)}`]
  const least = Math.min(...message.recipients.map((r) => r.attempts))
  if (least < (attempts.get(queueId) ?? 0)) return [`${queueId} forgot attempt ${attempts.get(queueId)}`]
  const content = await octets(spool.content(queueId))
  return content.equals(contentFor(queueId, bytes)) ? [] : [`${queueId} has other content`]
}

/** `ours`: acknowledged, so it must be there. `ended`: it must not. In the other two it may be there, but then whole. */
type Stage = 'asked' | 'ours' | 'ending' | 'ended'
type Promised = {
  readonly stages: Map<string, Stage>
  readonly sizes: Map<string, number>
  readonly attempts: Map<string, number>
}

function promisesIn(lines: readonly Line[]): Promised {
  const promised: Promised = { stages: new Map(), sizes: new Map(), attempts: new Map() }
  for (const line of lines) {
    if ('asked' in line) noteAsked(promised, line)
    else noteDone(promised, line)
  }
  return promised
}

// A DSN that is durable ends the message that it reports on.
function noteAsked({ stages, sizes }: Promised, line: Extract<Line, { asked: unknown }>): void {
  if (line.asked === 'remove') stages.set(line.queueId, 'ending')
  if (line.asked !== 'accept') return
  stages.set(line.queueId, 'asked')
  sizes.set(line.queueId, line.bytes)
  if (line.reports !== undefined) stages.set(line.reports, 'ending')
}

function noteDone({ stages, attempts }: Promised, line: Extract<Line, { done: unknown }>): void {
  if (line.done === 'remove') stages.set(line.queueId, 'ended')
  if (line.done === 'record') attempts.set(line.queueId, line.attempts)
  if (line.done !== 'accept') return
  stages.set(line.queueId, 'ours')
  if (line.reports !== undefined) stages.set(line.reports, 'ended')
}
