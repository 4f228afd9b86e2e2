/**
 * Volumes with the file systems of a cluster that the mail of a relay has filled: each has its own way to count what is free. Not
 * btrfs, which gives back what was deleted or written anew only with its next commit, up to 30 s later.
 */
import { execFileSync } from 'node:child_process'
import { statfsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openSpool } from '../../../relay/spool/file-spool.ts'
import { reserveOf } from '../../../relay/spool/sizes.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { accept, contentOf, messagesOf } from './contents.ts'
import { type FileSystem, fileSystems, fileSystemsGiven, makeImage, mountAt } from './device/file-systems.ts'
import { leave } from './fill.ts'
import { deferred, each, fillWithMail } from './outage.ts'
import { listening } from './samples.ts'

const forwardPaths = Array.from({ length: 20 }, (_, n) => `user${n}@customer.example`)

/** A volume with so many octets for mail; the rest is taken already. */
function volume(fileSystem: FileSystem, forMail: number): string {
  const within = temporaryFolder()
  const [image, folder] = [join(within, 'image'), join(within, 'volume')]
  makeImage(fileSystem, image)
  mountAt(folder, image, fileSystem)
  onTestFinished(() => void execFileSync('umount', ['-l', folder]))
  const { blocks, bsize } = statfsSync(folder)
  leave(folder, reserveOf(blocks * bsize) + forMail)
  return folder
}

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
    const ids = await fillWithMail(spool, bytes, forwardPaths)
    expect(spool.isFull).toBe(true)
    expect(ids.length * bytes).toBeGreaterThan(1_500_000)
    for (let attempts = 1; attempts <= 6; attempts += 1)
      await each(ids, (id) => spool.record(id, deferred(forwardPaths, attempts)))
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
