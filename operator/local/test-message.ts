/** Builds the message that `send-test` and `submit` send. */
import { randomUUID } from 'node:crypto'
import { encodeWords, foldLines } from 'nodemailer/lib/mime-funcs'
import { dateTime } from '../../relay/mail/date-time.ts'

export function testMessage(from: string, to: readonly string[], now: Date, subject?: string): string {
  const id = randomUUID()
  return [
    `Date: ${dateTime(now.getTime())}`,
    `From: ${from}`,
    `To: ${to.join(', ')}`,
    subjectField(subject ?? `Relayfleet test ${id.slice(0, 8)}`),
    `Message-ID: <${id}@relayfleet-send-test.invalid>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'This is a test message of relayfleet.',
    '',
  ].join('\r\n')
}

/** Encodes what is not ASCII by RFC 2047, and folds lines at 76 octets. */
const subjectField = (text: string): string =>
  foldLines(`Subject: ${encodeWords(text.replaceAll(/\s+/g, ' '), 'Q', 52)}`)
