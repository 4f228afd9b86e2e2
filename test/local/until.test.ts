/** A wait in a test goes on while there is no answer, whatever word an answer that is missing has. */
import { expect, test } from 'vitest'
import { restMs, until } from './until.ts'

test.each([
  ['undefined', undefined],
  ['null', null],
  ['false', false],
])('%s is no answer yet, and the first one that is comes back', async (_name, notYet) => {
  const answers = [notYet, notYet, 'there', 'later'].values()
  expect(await until('it is there', () => answers.next().value)).toBe('there')
})

test('what did not come in time is named', async () => {
  await expect(until('the answer', async () => null, 0)).rejects.toThrow('the answer: not within 0 ms')
})

test.each([
  ['at first ten milliseconds later', 0, 0, 10],
  ['four times as long later as a question took that took long', 30, 40, 120],
  ['a twentieth later after seconds in vain', 1, 3000, 150],
  ['a quarter of a second later at most', 500, 60_000, 250],
])('it is asked again %s', (_when, askedMs, waitedMs, expected) => {
  expect(restMs(askedMs, waitedMs)).toBe(expected)
})
