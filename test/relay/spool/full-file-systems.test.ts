/**
 * Volumes with the file systems of a cluster that the mail of a relay has filled: each has its own way to count what is free. Not
 * btrfs, which gives back what was deleted or written anew only with its next commit, up to 30 s later.
 */
import { execFileSync } from 'node:child_process'
import { closeSync, fsyncSync, openSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openSpool } from '../../../relay/spool/file-spool.ts'
import { reserveOf } from '../../../relay/spool/sizes.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { accept, contentOf, draft, messagesOf, pending } from './contents.ts'
import { type FileSystem, fileSystems, fileSystemsGiven, makeImage, mountAt } from './device/file-systems.ts'
import { listening } from './samples.ts'

const forwardPaths = Array.from({ length: 20 }, (_, n) => `user${n}@customer.example`)
const atOnce = 20

/** A volume with so many octets for mail; the rest is taken already. */
function volume(fileSystem: FileSystem, forMail: number): string {
  const within = temporaryFolder()
  const [image, folder] = [join(within, 'image'), join(within, 'volume')]
  makeImage(fileSystem, image)
  mountAt(folder, image, fileSystem)
  onTestFinished(() => void execFileSync('umount', ['-l', folder]))
  const { bavail, blocks, bsize } = statfsSync(folder)
  const file = openSync(join(folder, 'others'), 'w')
  for (let left = bavail * bsize - reserveOf(blocks * bsize) - forMail; left > 0; )
    left -= writeSync(file, Buffer.alloc(Math.min(left, 1_048_576), 65))
  fsyncSync(file)
  closeSync(file)
  return folder
}

async function each(ids: readonly string[], deed: (id: string) => Promise<void>): Promise<void> {
  for (let n = 0; n < ids.length; n += atOnce) await Promise.all(ids.slice(n, n + atOnce).map(deed))
}

const deferred = (attempts: number) =>
  forwardPaths.map((path) => ({ ...pending(path), attempts, nextAttemptAt: draft.acceptedAt + attempts }))

const lasting = fileSystems.filter(({ name }) => name !== 'btrfs')

describe.runIf(fileSystemsGiven())('filled by its own mail', () => {
  test.each(
    lasting.flatMap((fileSystem) => [2000, 150_000].map((bytes) => ({ ...fileSystem, fileSystem, bytes }))),
  )('a volume of $name lasts through an outage, drains, and takes mail again: messages of $bytes octets (case S14)', async ({
    fileSystem,
    bytes,
  }) => {
    const told = listening()
    const open = () => openSpool({ directory: join(folder, 'spool'), events: told.events })
    const folder = volume(fileSystem, 16_000_000)
    const spool = await open()
    const ids: string[] = []
    for (let isFull = false; !isFull; ) {
      const adding = Array.from({ length: atOnce }, () =>
        accept(spool, contentOf(1, bytes), { draft: { forwardPaths } }),
      )
      for (const added of await Promise.allSettled(adding)) {
        if (added.status === 'fulfilled') ids.push(added.value.envelope.queueId)
        else isFull = true
      }
    }
    expect(spool.isFull).toBe(true)
    expect(ids.length * bytes).toBeGreaterThan(1_500_000)
    for (let attempts = 1; attempts <= 6; attempts += 1) await each(ids, (id) => spool.record(id, deferred(attempts)))
    const [leaving, staying] = [ids.filter((_, n) => n % 3 !== 0), ids.filter((_, n) => n % 3 === 0)]
    await each(leaving, (id) => spool.remove(id))
    await spool.close()

    const again = await open()
    expect((await messagesOf(again)).map((m) => m.envelope.queueId)).toEqual(staying)
    await each(staying, (id) => again.remove(id))
    await until('the spool takes mail again', () => again.fault === undefined, 5000)
    await accept(again, contentOf(1, bytes))
    await again.close()
    expect(told.lines.filter((line) => /ENOSPC|could not be|quarantined/.test(line))).toEqual([])
  })
})
