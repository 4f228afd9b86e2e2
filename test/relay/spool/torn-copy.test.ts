/** A copy of a message that a loss of power cut short does not take the place of the message. */
import { expect, test } from 'vitest'
import { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { encode } from '../../../relay/spool/record.ts'
import { newSegment } from '../../../relay/spool/segment.ts'
import { accept, contentOf, draft, pending } from './contents.ts'
import { LosingDisk } from './losing-disk.ts'
import { listening, octets } from './samples.ts'

const open = ({ disk }: LosingDisk) =>
  JournalSpool.open({ directory: '/spool', events: listening().events, now: Date.now, disk, closed: () => {} })
const everything = { data: 'all', names: 'all', dice: () => 0 } as const

/** The files of a spool with this message, and of a copy of it whose last sectors a loss of power took. */
async function tornCopy(queueId: string, content: Buffer): Promise<ReadonlyMap<string, Buffer>> {
  const losing = new LosingDisk()
  const spool = await open(losing)
  await accept(spool, content, { queueId })
  await spool.close()
  const files = new Map(losing.after(losing.deeds.length, everything))
  const { name, nonce } = newSegment(2, Buffer.alloc(8, 7))
  const envelope = { ...draft, queueId, bytes: content.length }
  const entries = [
    encode(nonce, { kind: 'opened', version: 1, ends: {} }),
    encode(nonce, { kind: 'moved', envelope, recipients: draft.forwardPaths.map(pending) }, content),
  ]
  const segment = Buffer.concat(entries.flatMap(({ buffers }) => buffers))
  return files.set(`/spool/journal/${name}`, segment.fill(0, segment.length - 512))
}

test('a copy that was cut short does not take the place of its message, also where the start after that is cut short at any call (case S10)', async () => {
  const queueId = 'kept000000'
  const content = contentOf(1, 1500)
  const first = new LosingDisk(await tornCopy(queueId, content))
  await (await open(first)).close()
  for (let deeds = 0; deeds <= first.deeds.length; deeds += 1) {
    const spool = await open(new LosingDisk(first.after(deeds, everything)))
    const message = await spool.load(spool.handleOf(queueId) ?? -1)
    expect(message?.envelope.queueId, `after call ${deeds} of ${first.deeds.length}`).toBe(queueId)
    expect((await octets(spool.content(queueId))).equals(content)).toBe(true)
    await spool.close()
  }
})
