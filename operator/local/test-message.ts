/** The message that send-test and submit submit. */
import { randomUUID } from 'node:crypto'

export function testMessage(from: string, to: readonly string[], now: Date, subject?: string): string {
  const id = randomUUID()
  return [
    `Date: ${now.toUTCString().replace('GMT', '+0000')}`,
    `From: ${from}`,
    `To: ${to.join(', ')}`,
    `Subject: ${subject ?? `Relayfleet test ${id.slice(0, 8)}`}`,
    `Message-ID: <${id}@relayfleet-send-test.invalid>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'This is a test message of relayfleet.',
    '',
  ].join('\r\n')
}
