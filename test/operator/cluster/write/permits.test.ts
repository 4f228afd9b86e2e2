/** Work waits for room in turns, so that work that hangs takes only its share and makes room after a while. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Permits } from '../../../../operator/cluster/write/permits.ts'

const space = { most: 2, mostInAll: 6, mostOfOne: 4, longMs: 100 }

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function bench() {
  const permits = new Permits(space)
  const begun: string[] = []
  const ends: (() => void)[] = []
  const give = (whose: string, name: string): Promise<void> =>
    permits.during(whose, () => {
      begun.push(name)
      return new Promise((resolve) => ends.push(resolve))
    })
  const endAll = async (): Promise<void> => {
    for (const end of ends.splice(0)) end()
    await vi.advanceTimersByTimeAsync(0)
  }
  return { begun, give, endAll }
}

test('two are at work at once, and the lines take turns', async () => {
  const { begun, give, endAll } = bench()
  for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'b2']) void give(name.slice(0, 1), name)
  expect(begun).toEqual(['a1', 'a2'])
  await endAll()
  expect(begun.slice(2)).toEqual(['a3', 'b1'])
  await endAll()
  expect(begun.slice(4).toSorted()).toEqual(['a4', 'b2'])
})

test('work that hangs makes room for others after a while, and never has more than its share', async () => {
  const { begun, give } = bench()
  for (let i = 0; i < 9; i++) void give('bad', `bad${i}`)
  void give('good', 'good')
  await vi.advanceTimersByTimeAsync(space.longMs)
  expect(begun).toContain('good')
  await vi.advanceTimersByTimeAsync(10 * space.longMs)
  expect(begun.filter((name) => name.startsWith('bad'))).toHaveLength(space.mostOfOne)
  void give('good', 'another')
  expect(begun).toContain('another')
})

test('however many hang, no more than a fixed number is at work', async () => {
  const { begun, give, endAll } = bench()
  for (let i = 0; i < 9; i++) void give(`bad${i}`, `bad${i}`)
  await vi.advanceTimersByTimeAsync(10 * space.longMs)
  expect(begun).toHaveLength(space.mostInAll)
  await endAll()
  expect(begun).toHaveLength(space.mostInAll + space.most)
})

test('work that fails gives its room back', async () => {
  const permits = new Permits({ ...space, most: 1 })
  const failing = permits.during('a', () => Promise.reject(new Error('no')))
  await expect(failing).rejects.toThrow('no')
  expect(await permits.during('b', () => Promise.resolve('yes'))).toBe('yes')
})
