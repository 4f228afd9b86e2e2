/** While a damaged content is moved aside its message may leave, and another one may get its handle: that one stays ours. */
import { expect, test } from 'vitest'
import { Damage } from '../../../relay/spool/damage.ts'
import { type Disk, nodeDisk } from '../../../relay/spool/disk.ts'
import { pathsOf } from '../../../relay/spool/paths.ts'
import { Register } from '../../../relay/spool/register.ts'
import { untried } from '../../../relay/spool/replay.ts'
import { newSegment } from '../../../relay/spool/segment.ts'
import { draft } from './contents.ts'
import { listening } from './samples.ts'

test.each([
  ['is moved', true],
  ['can not be moved', false],
])('a message that got the handle of one which left while its content was moved aside is not forgotten; that content %s', async (_what, moves) => {
  const register = new Register()
  const put = (queueId: string): number => {
    const envelope = { ...draft, queueId, bytes: 1_000_000 }
    const place = { segment: newSegment(1, Buffer.alloc(8)), at: 0, bytes: 300 }
    return register.add(envelope, untried(envelope), place, { crc: 0 })
  }
  const asked = Promise.withResolvers<void>()
  const moved = Promise.withResolvers<void>()
  const disk: Disk = {
    ...nodeDisk,
    makeDirectory: async () => undefined,
    size: () => Promise.reject(Object.assign(new Error('ENOENT'), { code: 'ENOENT' })),
    syncDirectory: async () => {},
    rename() {
      asked.resolve()
      return moved.promise
    },
  }
  const [dropped, removed]: [number[], string[]] = [[], []]
  const damage = new Damage({
    disk,
    paths: pathsOf('/spool'),
    register,
    events: listening().events,
    drop: (handle) => void dropped.push(handle),
    remove: async (queueId) => void removed.push(queueId),
    clean: () => {},
  })
  const handle = put('first00000')
  const aside = damage.message(handle, 'first00000')
  await asked.promise
  register.remove(handle)
  expect(put('second0000')).toBe(handle)
  register.setMovingAside(handle, true)
  if (moves) moved.resolve()
  else moved.reject(new Error('EIO'))
  expect(await aside).toBe(true)
  await damage.ending
  expect([dropped, removed]).toEqual([[], []])
  expect(register.isLeaving(handle)).toBe(true)
})
