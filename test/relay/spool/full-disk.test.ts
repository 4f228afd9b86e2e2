/** On a volume that is full mail is refused before anything breaks, and taken again when there is room. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openSpool } from '../../../relay/spool/file-spool.ts'
import type { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { until } from '../../local/until.ts'
import { accept, contentOf, messagesOf } from './contents.ts'
import { fill } from './fill.ts'
import { listening, octets } from './samples.ts'
import { smallVolume, smallVolumesGiven } from './small-volume.ts'

async function opened() {
  const directory = smallVolume('size=1m')
  const told = listening()
  const open = () => openSpool({ directory: join(directory, 'spool'), events: told.events })
  return { directory, told, open, spool: await open() }
}
const taken = async (spool: JournalSpool, bytes: number, seed: number): Promise<boolean | undefined> => {
  try {
    await accept(spool, contentOf(seed, bytes))
    return true
  } catch (error) {
    expect(error).toMatchObject({ name: 'Error', kind: 'full' })
    return false
  }
}

describe.runIf(smallVolumesGiven())('a volume of 1 MiB (case S14)', () => {
  test.each([
    ['small', 3000],
    ['large', 150_000],
  ])('takes %s mail until it is full, says so, drains, and takes mail again', async (_what, bytes) => {
    const { spool, open, told } = await opened()
    for (let n = 0; await taken(spool, bytes, n); n += 1) expect(n).toBeLessThan(400)
    expect(spool.fault).toMatch(/disk full|ENOSPC/)
    expect(spool.isFull).toBe(true)
    expect(told.lines.filter((line) => line.startsWith('fault'))).toHaveLength(1)
    const ids = (await messagesOf(spool)).map((m) => m.envelope.queueId)
    expect(ids.length * bytes).toBeGreaterThan(500_000)

    // Though the volume is full, messages that were delivered can be removed, and after a restart all others are there.
    await Promise.all(ids.slice(0, 2).map((id) => spool.remove(id)))
    await spool.close()
    const again = await open()
    expect((await messagesOf(again)).map((m) => m.envelope.queueId)).toEqual(ids.slice(2))
    for (const [n, id] of ids.entries()) {
      if (n > 1) expect((await octets(again.content(id))).equals(contentOf(n, bytes))).toBe(true)
    }
    await Promise.all(ids.map((id) => again.remove(id)))
    await until('the spool takes mail again', () => again.fault === undefined)
    expect(await taken(again, bytes, 0)).toBe(true)
    await again.close()
  })

  test('that somebody else fills keeps nothing of refused mail, and takes mail within 5 s after there is room', async () => {
    const { spool, directory } = await opened()
    const before = (await accept(spool, contentOf(1, 3000))).envelope.queueId
    const filler = join(directory, 'filler')
    fill(filler)
    for (const bytes of [3000, 150_000]) expect(await taken(spool, bytes, 2)).toBe(false)
    expect(readdirSync(join(directory, 'spool', 'large'))).toEqual([])
    expect((await messagesOf(spool)).map((m) => m.envelope.queueId)).toEqual([before])
    rmSync(filler)
    await until('the spool takes mail again', () => spool.fault === undefined, 5000)
    expect(await taken(spool, 3000, 3)).toBe(true)
    await spool.close()
  })

  test('that is full to the last octet lets a spool open, and gives out what it has', async () => {
    const { spool, directory, open } = await opened()
    const { queueId } = (await accept(spool, contentOf(1, 3000))).envelope
    await spool.close()
    fill(join(directory, 'filler'))
    const again = await open()
    expect(again.fault).toMatch(/disk full|ENOSPC/)
    expect((await octets(again.content(queueId))).equals(contentOf(1, 3000))).toBe(true)
    rmSync(join(directory, 'filler'))
    await until('the spool takes mail again', () => again.fault === undefined, 5000)
    await again.remove(queueId)
    await again.close()
  })
})

test.runIf(smallVolumesGiven())('a volume that does not say how large it is takes mail (case S14)', async () => {
  const directory = smallVolume('size=0')
  const spool = await openSpool({ directory: join(directory, 'spool'), events: listening().events })
  for (const bytes of [3000, 150_000]) expect(await taken(spool, bytes, 1)).toBe(true)
  expect(spool.fault).toBeUndefined()
  await spool.close()
})
