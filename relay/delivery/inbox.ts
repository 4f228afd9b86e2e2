/** The capture inbox: `<queue id>.eml` and `<queue id>.json` for each captured message, in a folder that files alone explain. */
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Envelope } from '../mail/envelope.ts'
import { type Disk, nodeDisk } from '../spool/disk.ts'
import { wordsOf } from '../spool/disk-error.ts'
import { putFile, removeUnfinished } from '../spool/replace-file.ts'
import type { Room } from '../spool/room.ts'
import { reserveOf } from '../spool/sizes.ts'
import type { Spool } from '../spool/spool.ts'
import { fewFiles, fewOctets } from '../spool/volume-full.ts'
import { wrongLength } from './data-encoder.ts'

/** The inbox takes nothing, or not so much: its volume is full, or fails. Only time, or a person, mends that. */
export class InboxError extends Error {}

/** Octets that captures under way have still to write: the volume has them as free until then. */
export type Underway = { octets: number }

/**
 * Durable when it resolves. The .json is published last: whoever lists those never meets half a message. What is published
 * stays as it is, so a second call after a crash finishes what the first began. @throws InboxError, SpoolError, ContentError
 */
export async function capture(
  directory: string,
  source: Pick<Spool, 'content'>,
  envelope: Envelope,
  underway: Underway,
  disk = nodeDisk,
): Promise<void> {
  try {
    await captureInto(directory, source, envelope, underway, disk)
  } catch (error) {
    // Of a call to the system; where the spool gives the content not out, that has a name of its own.
    throw error instanceof Error && 'code' in error ? new InboxError(wordsOf(error), { cause: error }) : error
  }
}

async function captureInto(
  directory: string,
  source: Pick<Spool, 'content'>,
  envelope: Envelope,
  underway: Underway,
  disk: Disk,
): Promise<void> {
  const { queueId, bytes } = envelope
  const [content, described] = [join(directory, `${queueId}.eml`), join(directory, `${queueId}.json`)]
  const description = Buffer.from(`${JSON.stringify({ envelope }, null, 1)}\n`)
  await disk.makeDirectory(directory)
  // Left by a call that was killed, or could not remove them: they may have the room that this one needs.
  for (const path of [content, described]) await removeUnfinished(disk, path)
  const [hasContent, isDescribed] = [await disk.isFile(content), await disk.isFile(described)]
  const room = await disk.space(directory)
  let left = (hasContent ? 0 : bytes) + (isDescribed ? 0 : description.length)
  mustFit({ ...room, free: Math.max(0, room.free - underway.octets) }, left)
  underway.octets += left
  const wrote = (octets: number): void => {
    left -= octets
    underway.octets -= octets
  }
  try {
    // A pipe, or a link to nowhere, that has one of the names is no captured message, and is replaced.
    if (!hasContent) await putFile(disk, content, () => checked(source.content(queueId), bytes, wrote))
    if (!isDescribed) await putFile(disk, described, () => [description])
  } finally {
    wrote(left)
  }
  // Its own name, too: it may be new.
  await Promise.all([directory, dirname(directory)].map(disk.syncDirectory))
}

/** The spool is on the same volume, whose last octets are for the removal of what has been delivered (decision 0053). */
function mustFit(room: Room, bytes: number): void {
  const kept = reserveOf(room.total)
  const lacking = fewFiles(room) ?? (room.free < bytes + kept ? fewOctets(room.free, kept) : undefined)
  if (lacking !== undefined) throw new InboxError(lacking)
}

async function* checked(content: Readable, bytes: number, wrote: (octets: number) => void): AsyncIterable<Buffer> {
  let octets = 0
  for await (const chunk of content as AsyncIterable<Buffer>) {
    octets += chunk.length
    yield chunk
    wrote(chunk.length)
  }
  if (octets !== bytes) throw wrongLength(octets, bytes)
}
