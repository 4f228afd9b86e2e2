/** What the tests of the spool put in and get out. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { onTestFinished } from 'vitest'
import type { Envelope, QueuedMessage, RecipientState } from '../../../relay/mail/envelope.ts'
import type { SpoolEvents } from '../../../relay/spool/journal-spool.ts'
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

/** What was told, one line each. */
export type Told = { readonly events: SpoolEvents; readonly lines: string[] }

export function listening(): Told {
  const lines: string[] = []
  return {
    lines,
    events: {
      committed: (batch, seconds) => lines.push(`committed ${batch} ${seconds >= 0}`),
      quarantined: (file, why) => lines.push(`quarantined ${file}: ${why}`),
      recovered: (messages, swept) => lines.push(`recovered ${messages} swept ${swept}`),
      spoolFault: (why) => lines.push(`fault ${why}`),
      spoolRecovered: () => lines.push('mended'),
    },
  }
}

export function temporaryFolder(under: string = tmpdir()): string {
  const folder = mkdtempSync(join(under, 'relayfleet-spool-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export type Wanted = { readonly queueId?: string; readonly draft?: Partial<Draft>; readonly chunkBytes?: number }

/** Receives and commits. */
export async function accept(spool: Spool, content: Buffer, wanted: Wanted = {}): Promise<QueuedMessage> {
  const incoming = await spool.receive(wanted.queueId)
  const step = wanted.chunkBytes ?? 16 * 1024
  for (let at = 0; at < content.length; at += step) await incoming.write(content.subarray(at, at + step))
  return incoming.commit({ ...draft, ...wanted.draft })
}

export async function octets(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Different for each seed, with every octet in it. */
export function contentOf(seed: number, bytes: number): Buffer {
  const content = Buffer.allocUnsafe(bytes)
  for (let i = 0, x = seed + 1; i < bytes; i += 1) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0
    content[i] = x >>> 24
  }
  return content
}

/** Resolves when the condition holds. @throws after the deadline, naming what was waited for. */
export async function until(what: string, holds: () => boolean, deadlineMs = 5000): Promise<void> {
  const end = performance.now() + deadlineMs
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
