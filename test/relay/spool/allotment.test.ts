import { expect, test } from 'vitest'
import { Allotment, type Needs } from '../../../relay/spool/allotment.ts'

const MiB = 1024 * 1024
const KiB = 1024
const nothing: Needs = { messages: 0, live: 0, states: 0, growth: 0, segment: 0 }
const openings = 16 * KiB

const at = (free: number, needs: Partial<Needs> = {}, total = MiB) =>
  new Allotment({ free, total }, () => ({ ...nothing, ...needs }))

test.each([
  ['a small volume keeps 5 %', MiB, Math.floor(MiB / 20)],
  ['a large volume keeps 32 MiB', 1024 * 1024 * MiB, 32 * MiB],
])('%s for delivery, and takes mail again with twice that', (_what, total, reserve) => {
  const taken = (free: number) => {
    const room = at(free, {}, total)
    return [room.shortage === undefined, room.ample]
  }
  expect(taken(openings + reserve - 1)).toEqual([false, false])
  expect(taken(openings + reserve)).toEqual([true, false])
  expect(taken(openings + 2 * reserve)).toEqual([true, true])
})

const needs = { messages: 100, live: 80_000, states: 30_000, growth: 20_000, segment: 64 * KiB }
const copies = openings + 100 * 94
const reports = copies + 64 * KiB + 20_000
const reserve = Math.floor(MiB / 20)

test.each([
  ['copies leave a removal of each message', 'takesCopies', copies],
  ['reports leave the copy of a segment, and what all copies grow by', 'takesReport', reports],
  ['states leave half of the reserve', 'takesState', reports + reserve / 2],
  ['mail leaves the reserve, a state of each, and what may be dead', 'takesMail', reports + reserve + 30_000 + 10_000],
] as const)('%s', (_what, takes, kept) => {
  expect([at(kept + 99, needs)[takes](100), at(kept + 100, needs)[takes](100)]).toEqual([false, true])
})

test('what is being written counts, and no more when it has been', async () => {
  const room = at(openings + 1000)
  const { promise, resolve: write } = Promise.withResolvers<void>()
  const writing = room.during(901, promise)
  expect(room.takesCopies(100)).toBe(false)
  write()
  await writing
  expect(room.takesCopies(100)).toBe(true)
  await expect(room.during(901, Promise.reject(new Error('ENOSPC')))).rejects.toThrow('ENOSPC')
  expect(room.takesCopies(100)).toBe(true)
})
