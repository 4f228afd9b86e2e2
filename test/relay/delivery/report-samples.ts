/** Reports as a test makes them, and as Python's email package reads them. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { composeDsn, type Failure, type Report } from '../../../relay/delivery/dsn.ts'
import { envelope, hello } from './samples.ts'

type Part = { type: string; text?: string; groups?: Record<string, string>[] }
type Parsed = {
  type: string
  report: string
  headers: Record<string, string>
  parts: Part[]
  defects: string[]
  sevenBit: boolean
  longest: number
  bare: number
}

export const acceptedAt = Date.UTC(2026, 10, 23, 12)
export const refused: Failure = {
  forwardPath: 'nobody@example.net',
  at: acceptedAt + 1_800_000,
  attempts: 1,
  ambiguous: 0,
  smarthost: { name: 'ses', host: 'smtp.example.com', port: 587 },
  givenUp: {
    because: 'refused',
    reply: { code: 550, status: '5.1.1', text: 'user unknown' },
    last: { code: 550, status: '5.1.1', text: 'user unknown', said: '550 5.1.1 user unknown' },
  },
}
export const expired: Failure = {
  ...refused,
  forwardPath: 'slow@example.net',
  attempts: 7,
  ambiguous: 2,
  givenUp: {
    because: 'expired',
    reply: { code: 451, status: '4.4.7', text: 'delivery time expired' },
    last: { code: 451, status: '4.4.1', text: 'connect: refused' },
  },
}
export const header = Buffer.from('From: <app@corp.test>\r\nMessage-ID: <42@corp.test>\r\nSubject: x\r\n')
export const report = (rest: Partial<Report> = {}): Report => ({
  dsnQueueId: 'qqqqqqqqq1234567',
  hostname: 'relay.example.org',
  now: acceptedAt + 3_600_000,
  original: envelope(hello, { queueId: 'q00000000000001', acceptedAt }),
  failures: [refused, expired],
  header,
  ...rest,
})

export async function parse(of: Report): Promise<Parsed> {
  const octets = await composeDsn(of)
  const script = join(import.meta.dirname, 'parse-report.py')
  return JSON.parse(execFileSync('/usr/bin/python3', [script], { input: octets, encoding: 'utf8' }))
}
