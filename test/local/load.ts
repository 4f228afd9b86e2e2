/** Many sessions that submit as fast as they are answered, or at a given rate, and tell what became of each message. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Access, SmtpReply, Submission } from './smtp-session.ts'
import { SmtpSession } from './smtp-session.ts'

export type Told<S> =
  | { readonly kind: 'acknowledged' | 'refused'; readonly submission: S; readonly reply: SmtpReply }
  /** The connection was lost, so the relay may have accepted the message or not. */
  | { readonly kind: 'unknown'; readonly submission: S; readonly error: Error }

export type LoadPlan<S extends Submission> = {
  /** A server that is started again has to come back at the same address. */
  readonly access: Access
  readonly sessions: number
  /** Messages a second over all sessions together; without it, as fast as answers come. */
  readonly rate?: number
  /** After so many messages, a session ends and a new one is opened; without it, only after a failure. */
  readonly messagesPerConnection?: number
  /** The next message; undefined ends the load. */
  readonly next: () => S | undefined
  readonly tell: (told: Told<S>) => void
}

export type Load = {
  /** Resolves when every session has ended; rejects when a session could not connect for a whole minute. */
  readonly done: Promise<void>
  /** Lets the messages that have begun end, and begins no further one. */
  stop(): void
}

const reconnectMs = 20
const patienceMs = 60_000
const debtMs = 1000

export function startLoad<S extends Submission>(plan: LoadPlan<S>): Load {
  let stopped = false
  const pace = pacer(plan.rate)
  const next = (): S | undefined => (stopped ? undefined : plan.next())
  const sessions = Array.from({ length: plan.sessions }, () => keepSubmitting({ ...plan, next }, pace, () => stopped))
  return {
    done: Promise.all(sessions).then(() => undefined),
    stop: () => {
      stopped = true
    },
  }
}

async function keepSubmitting<S extends Submission>(
  plan: LoadPlan<S>,
  pace: () => Promise<void>,
  stopped: () => boolean,
): Promise<void> {
  for (;;) {
    const session = await reconnect(plan.access, stopped)
    if (session === undefined) return
    const more = await submitOn(session, plan, pace)
    await session.quit()
    if (!more) return
  }
}

/** Submits on one session until it fails or has had its number of messages. Returns false when the load is over. */
async function submitOn<S extends Submission>(
  session: SmtpSession,
  plan: LoadPlan<S>,
  pace: () => Promise<void>,
): Promise<boolean> {
  for (let n = 0; n < (plan.messagesPerConnection ?? Number.POSITIVE_INFINITY); n += 1) {
    await pace()
    if (session.closed) return true
    const submission = plan.next()
    if (submission === undefined) return false
    const told = await submit(session, submission)
    plan.tell(told)
    if (told.kind !== 'acknowledged') return true
  }
  return true
}

async function submit<S extends Submission>(session: SmtpSession, submission: S): Promise<Told<S>> {
  try {
    const reply = await session.submit(submission)
    return { kind: reply.code === 250 ? 'acknowledged' : 'refused', submission, reply }
  } catch (error) {
    return { kind: 'unknown', submission, error: error as Error }
  }
}

async function reconnect(access: Access, stopped: () => boolean): Promise<SmtpSession | undefined> {
  const end = performance.now() + patienceMs
  while (!stopped()) {
    try {
      return await SmtpSession.open(access)
    } catch (error) {
      if (performance.now() > end && !stopped()) throw error
      await sleep(reconnectMs)
    }
  }
  return undefined
}

/** Waits until the next message is due. What was missed while the server was away is made up for, at most one second of it. */
function pacer(rate: number | undefined): () => Promise<void> {
  if (rate === undefined) return () => Promise.resolve()
  const step = 1000 / rate
  let slot = performance.now()
  return async () => {
    const now = performance.now()
    slot = Math.max(now - debtMs, slot + step)
    if (slot > now) await sleep(slot - now)
  }
}
