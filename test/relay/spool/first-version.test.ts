/** The spool in first-version/, as the first relay with this version of the format left it, is read: after an update mail is found. */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openSpool } from '../../../relay/spool/file-spool.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { contentOf, draft, messagesOf, pending } from './contents.ts'
import { listening, octets } from './samples.ts'

const [one, two] = draft.forwardPaths.map(pending)

test('all mail that was queued is found with its states and octet for octet, and at the next start again', async () => {
  const directory = temporaryFolder()
  cpSync(join(import.meta.dirname, 'first-version'), directory, { recursive: true })
  for (let time = 0; time < 2; time += 1) {
    const { events, lines } = listening()
    const spool = await openSpool({ directory, events })
    const messages = await messagesOf(spool)
    const found = Object.fromEntries(messages.map((m) => [m.envelope.queueId, m]))
    expect(found).toEqual({
      first00000: {
        envelope: { ...draft, queueId: 'first00000', bytes: 300 },
        recipients: [
          {
            ...one,
            state: 'delivered',
            attempts: 2,
            nextAttemptAt: 1_700_000_060_000,
            ambiguous: 1,
            lastReply: '250 2.0.0 kept',
          },
          { ...two, attempts: 2, nextAttemptAt: 1_700_000_060_000, ambiguous: 1, lastReply: '451 4.3.0 later' },
        ],
      },
      // Its content is in a file of its own.
      large00000: { envelope: { ...draft, queueId: 'large00000', bytes: 500 }, recipients: [one, two] },
      empty00000: {
        envelope: { ...draft, queueId: 'empty00000', bytes: 0, disposition: 'capture' },
        recipients: [one, two],
      },
      // A DSN on its second recipient had left already.
      original00: {
        envelope: { ...draft, queueId: 'original00', bytes: 100 },
        recipients: [one, { ...two, state: 'bounced' }],
      },
    })
    const contents = await Promise.all(Object.keys(found).map((id) => octets(spool.content(id))))
    const seeds = ['first00000', 'large00000', 'empty00000', 'gone', 'original00']
    for (const [i, id] of Object.keys(found).entries())
      expect(contents[i]?.equals(contentOf(1 + seeds.indexOf(id), found[id]?.envelope.bytes ?? 0)), id).toBe(true)
    expect(lines.filter((line) => /^(quarantined|forgotten|fault)/.test(line))).toEqual([])
    await spool.close()
  }
})
