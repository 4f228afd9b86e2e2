/** Messages for tests of the spool. Child processes use it too, so it does not import the test runner. */
import type { Envelope, QueuedMessage, RecipientState } from '../../../relay/mail/envelope.ts'
import type { Spool } from '../../../relay/spool/spool.ts'

export type Draft = Omit<Envelope, 'queueId' | 'bytes'>

export const draft: Draft = {
  acceptedAt: 1_700_000_000_000,
  credential: 'shop/web',
  reversePath: 'app@corp.example',
  forwardPaths: ['one@other.example', 'two@other.example'],
  disposition: 'relay',
  fromDomain: 'corp.example',
  client: { address: '192.0.2.7', helo: 'web.corp.example', tls: 'TLSv1.3' },
  body: '8BITMIME',
  smtpUtf8: false,
}

export const pending = (forwardPath: string): RecipientState => ({
  forwardPath,
  state: 'pending',
  attempts: 0,
  nextAttemptAt: draft.acceptedAt,
  ambiguous: 0,
})

export type Wanted = { readonly queueId?: string; readonly draft?: Partial<Draft>; readonly chunkBytes?: number }

/** Receives a message and commits it. */
export async function accept(spool: Spool, content: Buffer, wanted: Wanted = {}): Promise<QueuedMessage> {
  const incoming = await spool.receive(wanted.queueId)
  const step = wanted.chunkBytes ?? 16 * 1024
  for (let at = 0; at < content.length; at += step) await incoming.write(content.subarray(at, at + step))
  return incoming.commit({ ...draft, ...wanted.draft })
}

/** All messages in the spool, in the order of the journal, which is that of their acceptance. */
export async function messagesOf(spool: Spool): Promise<QueuedMessage[]> {
  const all = await Promise.all([...spool.handles()].map((handle) => spool.load(handle)))
  return all.filter((message) => message !== undefined)
}

/** Octets that differ for each seed; a long content has every value among them. */
export function contentOf(seed: number, bytes: number): Buffer {
  const content = Buffer.allocUnsafe(bytes)
  for (let i = 0, x = seed + 1; i < bytes; i += 1) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0
    content[i] = x >>> 24
  }
  return content
}
