/** Delivers a message or two through one scripted smarthost, and tells what became of them. */
import type { Envelope } from '../../../relay/mail/envelope.ts'
import { allWithin, oneSmarthost, rig } from './rig.ts'
import { envelope, hello } from './samples.ts'
import { everything, type Options, type Smarthost, startSmarthost } from './smarthost.ts'

export const without = (...keywords: readonly string[]) =>
  everything.filter((offer) => !keywords.some((keyword) => offer.startsWith(keyword)))

export async function deliver(
  options: Options,
  rest: Partial<Envelope> = {},
  content = hello,
  deadlines = allWithin(20_000),
) {
  const upstream = await startSmarthost(options)
  const { quiet, settled, attempts, spool, facts, delivery } = rig(oneSmarthost(upstream.port), { deadlines })
  const message = envelope(content, rest)
  spool.put(message, content)
  await settled(message)
  await quiet()
  const own = attempts.filter((a) => a.queueId === message.queueId)
  const received = upstream.received.filter(({ mail }) => !mail.startsWith('MAIL FROM:<>'))
  return { upstream, received, message, attempts: own, outcomes: own.map((a) => a.outcome), spool, facts, delivery }
}

/** Submits two messages, the second one when the first has had its attempt. */
export async function deliverTwo(upstream: Smarthost) {
  const { spool, attempted, attempts } = rig(oneSmarthost(upstream.port))
  spool.put(envelope(hello), hello)
  await attempted(1)
  spool.put(envelope(hello), hello)
  await attempted(2)
  return { spool, attempts, outcomes: attempts.map((a) => a.outcome.kind) }
}

export const both = [
  ['PIPELINING', everything],
  ['lockstep', without('PIPELINING')],
] as const
