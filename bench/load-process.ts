/** The load in a process of its own, so that neither contender shares a thread with it; it speaks with its parent. */
import { startLoad, type Told } from '../test/local/load.ts'
import { type LoadMessage, loadMessage } from '../test/local/load-message.ts'
import type { Access } from '../test/local/smtp-session.ts'

export type LoadOrder = {
  readonly access: Access
  readonly sessions: number
  /** Ends after so many messages, or when no more may begin after so many seconds; one of the two is given. */
  readonly messages?: number
  readonly forSeconds?: number
  readonly bytes: number
  /** Absent: sessions are kept. */
  readonly messagesPerConnection?: number
  readonly pipelined?: boolean
}

export type LoadResult = {
  /** Milliseconds since the epoch. */
  readonly began: number
  readonly seconds: number
  /** What the load itself used of a core, in all. */
  readonly cpuSeconds: number
  readonly acknowledged: number
  /** What else a message was told, for the person who reads the failure. */
  readonly others: readonly string[]
}

export async function carryOut({
  messages = Number.POSITIVE_INFINITY,
  forSeconds,
  bytes,
  ...plan
}: LoadOrder): Promise<LoadResult> {
  const prepared = Array.from({ length: 500 }, (_, n) => {
    const envelope = { id: `m${n}`, reversePath: 'app@corp.test', forwardPaths: ['someone@sink.test'] }
    return loadMessage(envelope, bytes)
  })
  let begun = 0
  let acknowledged = 0
  const others: string[] = []
  const next = (): LoadMessage | undefined => {
    begun += 1
    return begun > messages ? undefined : prepared[begun % prepared.length]
  }
  const tell = (told: Told<LoadMessage>): void => {
    if (told.kind === 'acknowledged') acknowledged += 1
    else others.push(told.kind === 'unknown' ? told.error.message : `${told.reply.code} ${told.reply.text}`)
  }
  const began = Date.now()
  const start = performance.now()
  const before = process.cpuUsage()
  const load = startLoad({ ...plan, next, tell })
  if (forSeconds !== undefined) setTimeout(() => load.stop(), forSeconds * 1000).unref()
  await load.done
  const { user, system } = process.cpuUsage(before)
  return { began, seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6, acknowledged, others }
}

process.on('message', (order: LoadOrder) => {
  void carryOut(order).then((result) => process.send?.(result))
})
