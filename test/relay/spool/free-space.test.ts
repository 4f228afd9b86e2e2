/** The free room of a volume is asked for once a second at most, and what was written since counts as taken. */
import { expect, test } from 'vitest'
import { nodeDisk } from '../../../relay/spool/disk.ts'
import { FreeSpace } from '../../../relay/spool/free-space.ts'
import { roomOf } from '../../../relay/spool/room.ts'

function volume(total: number, free: number) {
  const state = { total, free, asked: 0, time: 0 }
  const ask = async () => {
    state.asked += 1
    return { free: state.free, total: state.total }
  }
  return { state, space: FreeSpace.of(ask, () => state.time) }
}

test('the volume is asked at most once a second', async () => {
  const { state, space: opening } = volume(1000, 500)
  const space = await opening
  state.free = 400
  state.time = 999
  expect([space.free, state.asked]).toEqual([500, 1])
  state.time = 1000
  expect([space.free, space.free, state.asked]).toEqual([500, 500, 2])
  await space.refresh()
  expect([space.free, state.asked]).toEqual([400, 2])
  state.time = 2000
  expect([space.free, state.asked]).toEqual([400, 3])
})

test('octets that were written since the last answer count as taken', async () => {
  const space = await volume(1000, 500).space
  space.took(200)
  expect(space.free).toBe(300)
  space.took(900)
  expect(space.free).toBe(0)
})

test('octets that were written while the volume was asked count as taken, whether its answer knows of them or not', async () => {
  const { state, space: opening } = volume(1000, 500)
  const space = await opening
  state.free = 400
  space.took(70)
  const asking = space.refresh()
  space.took(50)
  await asking
  expect(space.free).toBe(350)
})

test('while a volume cannot be asked, its last answer counts', async () => {
  let broken = false
  let time = 0
  const space = await FreeSpace.of(
    async () => {
      if (broken) throw new Error('EIO')
      return { free: 70, total: 100 }
    },
    () => time,
  )
  broken = true
  time = 5000
  expect(space.free).toBe(70)
  // An answer that nobody waits for may be none, too.
  await new Promise((resolve) => setImmediate(resolve))
  await expect(space.refresh()).rejects.toThrow('EIO')
  expect(space.free).toBe(70)
})

test('each file that is made counts as taken, until the volume is asked again (case R11)', async () => {
  const space = await FreeSpace.of(async () => ({ free: 70, total: 100, files: { free: 2, total: 10 } }))
  const made: string[] = []
  const create = async (path: string): Promise<never> => {
    made.push(path)
    throw new Error('of no use')
  }
  const disk = space.counting({ ...nodeDisk, create })
  const left = []
  for (const path of ['a', 'b', 'c']) {
    await expect(disk.create(path)).rejects.toThrow('of no use')
    left.push(space.files)
  }
  expect([made, left.map((files) => files?.free)]).toEqual([
    ['a', 'b', 'c'],
    [1, 0, 0],
  ])
  await space.refresh()
  expect(space.files).toEqual({ free: 2, total: 10 })
})

test.each([
  // A folder of a Mac says so in a container.
  ['in fragments, of which 256 are a block', { bsize: 1_048_576, frsize: 4096 }, 4096],
  ['in fragments that are as large as blocks', { bsize: 4096, frsize: 4096 }, 4096],
  ['in blocks, and tells no size of a fragment, as by an older Node', { bsize: 4096 }, 4096],
  ['in blocks, and tells a fragment of 0, as by an older kernel', { bsize: 4096, frsize: 0 }, 4096],
])('the room of a volume is known in octets, where it counts %s (case S14)', (_how, sizes, each) => {
  const said = { bavail: 100, blocks: 1000, files: 0, ffree: 0, ...sizes }
  expect(roomOf(said)).toEqual({ free: 100 * each, total: 1000 * each })
})

test('the free files of a volume are known where it can have only so many (case R11)', () => {
  const said = { bavail: 100, blocks: 1000, bsize: 1 }
  expect(roomOf({ ...said, files: 50, ffree: 7 }).files).toEqual({ free: 7, total: 50 })
  expect(roomOf({ ...said, files: 0, ffree: 0 }).files).toBeUndefined()
})
