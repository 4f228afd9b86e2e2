/** A page costs what it costs for one client, however many ask for it. */
import { expect, test } from 'vitest'
import { sharedPage } from '../../relay/shared-page.ts'
import { until } from '../local/until.ts'

const busyFor = (ms: number): void => {
  const end = performance.now() + ms
  while (performance.now() < end);
}

test('those who ask before a page is begun share it, those who ask later get a later one, and one page is made at a time', async () => {
  let made = 0
  let making = 0
  const { promise: isAskedAgain, resolve: askedAgain } = Promise.withResolvers<void>()
  const page = sharedPage(async () => {
    making += 1
    expect(making).toBe(1)
    made += 1
    const mine = made
    await isAskedAgain
    making -= 1
    return mine
  })
  const first = [page(), page(), page()]
  await until('a page is begun', () => made === 1)
  const later = [page(), page()]
  askedAgain()
  expect(await Promise.all(first)).toEqual([1, 1, 1])
  expect(await Promise.all(later)).toEqual([2, 2])
})

test('a page that is asked for without an end takes a tenth of the time', async () => {
  let made = 0
  const page = sharedPage(() => {
    busyFor(5)
    made += 1
  })
  const end = performance.now() + 300
  while (performance.now() < end) await page()
  expect(made).toBeGreaterThan(1)
  expect(made).toBeLessThanOrEqual(8)
})

test('a page that can not be made fails for all who asked for it, and is made anew for the next', async () => {
  let made = 0
  const page = sharedPage(() => {
    made += 1
    if (made === 1) throw new Error('no volume')
    return made
  })
  const ends = await Promise.allSettled([page(), page()])
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(await page()).toBe(2)
})
