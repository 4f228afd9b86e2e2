/** What tests of the spool observe: its events and contents. Child processes use it, too, so it does not import the test runner. */
import type { Readable } from 'node:stream'
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
      notDeleted: (file, why) => lines.push(`not deleted ${file}: ${why}`),
      notStored: (queueId, why) => lines.push(`not stored ${queueId}: ${why}`),
      forgotten: (queueId) => lines.push(`forgotten ${queueId}`),
      recovered: (messages, swept) => lines.push(`recovered ${messages} swept ${swept}`),
      spoolFault: (why) => lines.push(`fault ${why}`),
      spoolRecovered: () => lines.push('mended'),
      spoolNotIdentified: (why) => lines.push(`no identity ${why}`),
    },
  }
}

export async function octets(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}
