/** Reads a DSN with Python's own parser, which knows nothing of how the relay writes one. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { python } from './programs.ts'
import { type Arrival, bytesOf } from './receiver.ts'

type Report = {
  readonly defects: readonly string[]
  readonly type: string
  readonly reportType: string
  readonly to: string
  readonly autoSubmitted: string
  readonly parts: readonly string[]
  readonly blocks: readonly Readonly<Record<string, string>>[]
  readonly returned: string
}

export const readReport = (arrival: Arrival): Report =>
  JSON.parse(
    execFileSync(python, [join(import.meta.dirname, 'read-report.py')], {
      input: Buffer.from(bytesOf(arrival), 'latin1'),
      encoding: 'utf8',
    }),
  )
