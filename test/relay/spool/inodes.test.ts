/** On a volume with few inodes small mail needs none of its own, and large mail is refused before anything breaks (case R11). */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openSpool } from '../../../relay/spool/file-spool.ts'
import { until } from '../../local/until.ts'
import { accept, contentOf, messagesOf } from './contents.ts'
import { listening, octets } from './samples.ts'
import { smallVolume, smallVolumesGiven } from './small-volume.ts'

describe.runIf(smallVolumesGiven())('a volume of 40 inodes (case R11)', () => {
  test('5,000 messages of 100 octets fit', async () => {
    const directory = join(smallVolume('size=64m,nr_inodes=40'), 'spool')
    const { events } = listening()
    const spool = await openSpool({ directory, events })
    await Promise.all(Array.from({ length: 5000 }, (_, n) => accept(spool, contentOf(n, 100))))
    expect(spool.fault).toBeUndefined()
    await spool.close()
    const again = await openSpool({ directory, events })
    expect(await messagesOf(again)).toHaveLength(5000)
    await again.close()
  })

  test('large messages are refused when no inode is left, none that was taken is lost, and they are taken again when some are free', async () => {
    const directory = join(smallVolume('size=64m,nr_inodes=40'), 'spool')
    const { events } = listening()
    const spool = await openSpool({ directory, events })
    const ids: string[] = []
    let refusal: unknown
    for (let n = 0; refusal === undefined && n < 100; n++) {
      await accept(spool, contentOf(n, 140_000)).then(
        ({ envelope }) => ids.push(envelope.queueId),
        (error: unknown) => {
          refusal = error
        },
      )
    }
    expect(refusal).toMatchObject({ kind: 'full' })
    expect(ids.length).toBeGreaterThan(10)
    for (const [n, id] of ids.entries())
      expect((await octets(spool.content(id))).equals(contentOf(n, 140_000))).toBe(true)
    await Promise.all(ids.slice(0, 5).map((id) => spool.remove(id)))
    await until('the spool takes mail again', () => spool.fault === undefined, 10_000)
    await accept(spool, contentOf(1, 140_000))
    await spool.close()
  })

  test.each([
    ['files of its own for each', 140_000],
    ['segments', 100_000],
  ])('whose inodes its mail has used up, in %s, drains after a restart, and takes mail again', async (_what, bytes) => {
    const directory = join(smallVolume('size=64m,nr_inodes=40'), 'spool')
    const { events } = listening()
    const spool = await openSpool({ directory, events })
    const ids: string[] = []
    const fill = async (): Promise<never> => {
      for (;;) ids.push((await accept(spool, contentOf(ids.length, bytes))).envelope.queueId)
    }
    await expect(fill()).rejects.toMatchObject({ kind: 'full', message: expect.stringContaining('files') })
    expect(spool.volume.forMail).toBe(0)
    await spool.close()
    for (let restart = 0; restart < 2; restart += 1) await (await openSpool({ directory, events })).close()
    const again = await openSpool({ directory, events })
    expect((await messagesOf(again)).map(({ envelope }) => envelope.queueId)).toEqual(ids)
    await Promise.all(ids.map((id) => again.remove(id)))
    await until('the spool takes mail again', () => again.volume.forMail > 0 && again.fault === undefined, 10_000)
    await accept(again, contentOf(1, bytes))
    await again.close()
  })
})
