/** The capture inbox: `<queue id>.eml` and `<queue id>.json` for each captured message, in a folder that files alone explain. */
import { link, lstat, mkdir, open, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Envelope } from '../mail/envelope.ts'
import { nodeDisk } from '../spool/disk.ts'
import { wordsOf } from '../spool/disk-error.ts'
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
 * Durable when it resolves. The .json is published last: whoever lists those never meets half a message. Nothing is
 * ever overwritten, so a second call after a crash finishes what the first began. @throws InboxError, SpoolError, ContentError
 */
export async function capture(
  directory: string,
  source: Pick<Spool, 'content'>,
  envelope: Envelope,
  underway: Underway,
): Promise<void> {
  try {
    await captureInto(directory, source, envelope, underway)
  } catch (error) {
    // Of a call to the system; where the spool gives the content not out, that has a name of its own.
    throw error instanceof Error && 'syscall' in error ? new InboxError(wordsOf(error), { cause: error }) : error
  }
}

async function captureInto(
  directory: string,
  source: Pick<Spool, 'content'>,
  envelope: Envelope,
  underway: Underway,
): Promise<void> {
  const { queueId, bytes } = envelope
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const room = await nodeDisk.space(directory)
  mustFit({ ...room, free: Math.max(0, room.free - underway.octets) }, bytes)
  let left = bytes
  underway.octets += left
  const wrote = (octets: number): void => {
    left -= octets
    underway.octets -= octets
  }
  try {
    await publish(join(directory, `${queueId}.eml`), () => checked(source.content(queueId), bytes, wrote))
  } finally {
    wrote(left)
  }
  await publish(join(directory, `${queueId}.json`), () => [Buffer.from(`${JSON.stringify({ envelope }, null, 1)}\n`)])
  // Its own name, too: it may be new.
  await Promise.all([directory, dirname(directory)].map(nodeDisk.syncDirectory))
}

/** The spool is on the same volume, whose last octets are for the removal of what has been delivered (decision 0053). */
function mustFit(room: Room, bytes: number): void {
  const kept = reserveOf(room.total)
  const lacking = fewFiles(room) ?? (room.free < bytes + kept ? fewOctets(room.free, kept) : undefined)
  if (lacking !== undefined) throw new InboxError(lacking)
}

/** link(2) refuses where the name is taken; a file that has the name already was whole when it got it. */
async function publish(path: string, content: () => AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> {
  const temporary = `${path}.tmp`
  try {
    await write(temporary, content())
  } catch (error) {
    // Half of it takes room that others need more.
    await unlink(temporary).catch(ignored)
    throw error
  }
  await link(temporary, path).then(
    () => unlink(temporary),
    async (error: NodeJS.ErrnoException) => {
      // A pipe, or a link to nowhere, is no captured message: it is replaced.
      if (error.code === 'EEXIST' && (await lstat(path)).isFile()) return unlink(temporary)
      if (error.code === 'EEXIST') return rename(temporary, path)
      // SMB, FAT and much of FUSE give no file two names. They say so only where the new name is free: nothing is overwritten.
      if (error.code === 'EPERM' || error.code === 'ENOTSUP' || error.code === 'ENOSYS') return rename(temporary, path)
      throw error
    },
  )
}

async function write(path: string, content: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> {
  // Left by a call that was killed. It may be the other name of a published file, and must not be written over.
  await unlink(path).catch(ignored)
  const file = await open(path, 'wx', 0o600)
  try {
    for await (const chunk of content) await file.writeFile(chunk)
    await file.sync()
  } finally {
    await file.close()
  }
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

const ignored = (): void => {}
