/** The register knows how much room each message takes, and may still need. */
import { expect, test } from 'vitest'
import { Parked } from '../../../relay/delivery/parked.ts'
import type { Envelope } from '../../../relay/mail/envelope.ts'
import { Register } from '../../../relay/spool/register.ts'
import { untried } from '../../../relay/spool/replay.ts'
import { newSegment } from '../../../relay/spool/segment.ts'
import { stateBytes } from '../../../relay/spool/sizes.ts'
import { draft } from './contents.ts'

const segment = newSegment(1, Buffer.alloc(8))
const place = (bytes: number) => ({ segment, at: 0, bytes })
const state = stateBytes(untried({ ...draft, queueId: 'any0000000', bytes: 0 }))

function registered() {
  const register = new Register()
  const add = (queueId: string, bytes: number): number => {
    const envelope: Envelope = { ...draft, queueId, bytes }
    return register.add(envelope, untried(envelope), place(bytes), undefined)
  }
  const addFile = (queueId: string, bytes: number): number => {
    const envelope: Envelope = { ...draft, queueId, bytes }
    return register.add(envelope, untried(envelope), place(300), { crc: 0 })
  }
  const needs = () => [register.liveBytes, register.stateBytes, register.growth]
  return { register, add, addFile, needs }
}

test('a message is reckoned with the state that it may get, and grows by that once, when it is copied', () => {
  const { register, add, needs } = registered()
  const [first, second] = [add('first00000', 1000), add('second0000', 2000)]
  expect(needs()).toEqual([3000, 2 * state, 2 * state])
  register.settleState(first, place(state - 1))
  expect(needs()).toEqual([3000, 2 * state, 2 * state])
  register.settle(first, place(1000 + state))
  expect(needs()).toEqual([3000 + state, 2 * state, state])
  register.settle(first, place(1000 + state))
  expect(needs()).toEqual([3000 + state, 2 * state, state])
  register.remove(second)
  expect(needs()).toEqual([1000 + state, state, 0])
  register.remove(first)
  expect(needs()).toEqual([0, 0, 0])
})

test('a state that is larger than was reckoned counts as large as it is', () => {
  const { register, add, needs } = registered()
  const handle = add('first00000', 1000)
  register.settleState(handle, place(state + 500))
  expect(needs()).toEqual([1000, state + 500, state + 500])
  register.remove(handle)
  // The handle stands for another message now.
  expect(add('second0000', 700)).toBe(handle)
  expect(needs()).toEqual([700, state, state])
})

test('a handle that stands for another message now has no state of the former one, nor counts as done as that did', () => {
  const { register, add } = registered()
  const handle = add('first00000', 1000)
  register.settleState(handle, place(state))
  register.standing(handle, [])
  expect([register.size, register.undone]).toEqual([1, 0])
  register.remove(handle)
  expect([register.size, register.undone]).toEqual([0, 0])
  expect(add('second0000', 700)).toBe(handle)
  expect([register.undone, register.isDone(handle), register.placeOfState(handle)]).toEqual([1, false, undefined])
})

test.each<[string, (register: Register, handle: number) => void]>([
  ['it is copied', (register, handle) => register.settle(handle, place(1000 + state))],
  ['its record is damaged', (register, handle) => register.loseState(handle)],
])('a state is not read any more when %s', (_when, deed) => {
  const { register, add } = registered()
  const handle = add('first00000', 1000)
  register.settleState(handle, place(state))
  deed(register, handle)
  expect(register.placeOfState(handle)).toBeUndefined()
})

test('the oldest message is one that is ours: when it has left, the next one is', () => {
  const { register } = registered()
  const [first] = [5, 7].map((acceptedAt) => {
    const envelope: Envelope = { ...draft, queueId: `number000${acceptedAt}`, bytes: 1, acceptedAt }
    return register.add(envelope, untried(envelope), place(1), undefined)
  })
  expect(register.oldestAcceptedAt).toBe(5)
  register.remove(first as number)
  expect(register.oldestAcceptedAt).toBe(7)
})

test.each([
  200_000,
  2 ** 32 + 200_000,
])('a content of %i octets in a file of its own counts beside its record, and no longer when it has left', (bytes) => {
  const { register, add, addFile } = registered()
  add('first00000', 1000)
  const handle = addFile('second0000', bytes)
  expect([register.bytes, register.fileBytes, register.liveBytes]).toEqual([1000 + bytes, bytes, 1300])
  register.remove(handle)
  expect([register.bytes, register.fileBytes, register.liveBytes]).toEqual([1000, 0, 1000])
})

test('to look through 300,000 waiting messages for those that are over their time stops the relay for less than 50 ms (case R21)', () => {
  const { register, add } = registered()
  const parked = new Parked()
  for (let n = 0; n < 300_000; n++) parked.push('team-a/web', add(`q${n}`.padEnd(15, '0'), 1))
  const times = [1, 2, 3].map(() => {
    const since = performance.now()
    expect(parked.take((handle) => (register.acceptedAt(handle) ?? 0) < draft.acceptedAt)).toEqual([])
    return performance.now() - since
  })
  expect(Math.min(...times)).toBeLessThan(50)
})
