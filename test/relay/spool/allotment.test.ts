/** How much of a volume mail, states, DSNs and copies may each take, so that what is ours can always leave. */
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
])('%s free for delivery, and takes mail again when twice that is free', (_what, total, reserve) => {
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
  ['copies leave room for a removal of each message', 'takesCopies', copies],
  ['DSNs leave room for the copy of a segment, and for what all copies grow by', 'takesReport', reports],
  ['states leave half of the reserve, too', 'takesState', reports + reserve / 2],
  [
    'mail leaves the whole reserve, a state of each message, and what may be dead, too',
    'takesMail',
    reports + reserve + 30_000 + 10_000,
  ],
] as const)('%s', (_what, takes, kept) => {
  expect([at(kept + 99, needs)[takes](100), at(kept + 100, needs)[takes](100)]).toEqual([false, true])
})

test('octets that are being written count as taken until they are written or have failed', async () => {
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
