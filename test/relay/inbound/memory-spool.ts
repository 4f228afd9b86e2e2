/** A spool in memory for tests of submission: it keeps what was written and committed, and fails when it is told to. */
import type { Inbound } from '../../../relay/inbound/inbound.ts'
import type { QueuedMessage } from '../../../relay/mail/envelope.ts'
import { type Incoming, SpoolError } from '../../../relay/spool/spool.ts'

export type Kept = { readonly message: QueuedMessage; readonly content: Buffer }

type Door = Inbound['spool']

export class MemorySpool implements Door {
  readonly kept: Kept[] = []
  aborted = 0
  /** The most octets that were written for any one message. */
  written = 0
  claimed = 0
  fault: string | undefined
  isFull = false
  /** While it is set, this call throws a SpoolError of this kind. */
  failing: { readonly at: 'receive' | 'write' | 'commit'; readonly kind: 'full' | 'fault' } | undefined
  /** Every commit waits for this. */
  gate: Promise<void> = Promise.resolve()
  /** Every write waits for this. */
  writeGate: Promise<void> = Promise.resolve()
  #next = 0

  async receive(queueId = `Q${++this.#next}`): Promise<Incoming> {
    this.#fail('receive')
    const chunks: Buffer[] = []
    let written = 0
    return {
      queueId,
      write: async (chunk) => {
        await this.writeGate
        this.#fail('write')
        chunks.push(Buffer.from(chunk))
        written += chunk.length
        this.written = Math.max(this.written, written)
      },
      sync: async () => {},
      commit: async (envelope) => {
        await this.gate
        this.#fail('commit')
        const content = Buffer.concat(chunks)
        const full = { ...envelope, queueId, bytes: content.length }
        const message = {
          envelope: full,
          recipients: envelope.forwardPaths.map((forwardPath) => ({
            forwardPath,
            state: 'pending' as const,
            attempts: 0,
            nextAttemptAt: 0,
            ambiguous: 0,
          })),
        }
        this.kept.push({ message, content })
        return message
      },
      abort: async () => {
        this.aborted++
      },
    }
  }

  #fail(at: 'receive' | 'write' | 'commit'): void {
    if (this.failing?.at === at) throw new SpoolError(this.failing.kind, `injected at ${at}`)
  }
}
