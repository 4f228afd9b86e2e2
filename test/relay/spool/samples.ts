/** What tests of the spool observe: its events, its files, and conditions to wait for. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { onTestFinished } from 'vitest'
import type { openSpool } from '../../../relay/spool/file-spool.ts'

/** Events, and the lines that they were noted as. */
export type Told = { readonly events: Parameters<typeof openSpool>[0]['events']; readonly lines: string[] }

export function listening(): Told {
  const lines: string[] = []
  return {
    lines,
    events: {
      committed: (batch, seconds) => lines.push(`committed ${batch} ${seconds >= 0}`),
      quarantined: (file, why) => lines.push(`quarantined ${file}: ${why}`),
      forgotten: (queueId) => lines.push(`forgotten ${queueId}`),
      recovered: (messages, swept) => lines.push(`recovered ${messages} swept ${swept}`),
      spoolFault: (why) => lines.push(`fault ${why}`),
      spoolRecovered: () => lines.push('mended'),
      spoolNotIdentified: (why) => lines.push(`no identity ${why}`),
    },
  }
}

export function temporaryFolder(under: string = tmpdir()): string {
  const folder = mkdtempSync(join(under, 'relayfleet-spool-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export async function octets(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/**
 * Resolves when the condition holds.
 * @throws Error that names `what`, after the deadline
 */
export async function until(what: string, holds: () => boolean, deadlineMs = 5000): Promise<void> {
  const end = performance.now() + deadlineMs
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
