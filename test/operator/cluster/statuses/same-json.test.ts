/** Two values are the same if they print the same JSON, whatever the order of their fields. */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sameJson } from '../../../../operator/cluster/statuses/same-json.ts'
import { sameStatus } from '../../../../operator/cluster/statuses/same-status.ts'

test('random JSON values compare as isDeepStrictEqual of Node compares them', () => {
  const few = fc.jsonValue({ maxDepth: 3 }).map((v) => JSON.parse(JSON.stringify(v)) as unknown)
  fc.assert(
    fc.property(few, few, (a, b) => {
      expect(sameJson(a, b)).toBe(isDeepStrictEqual(a, b))
      expect(sameJson(a, structuredClone(a))).toBe(true)
    }),
  )
})

test.each([
  [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
  [{ a: 1 }, { a: 1, b: undefined }, false],
  [[1, 2], [2, 1], false],
  [[], {}, false],
  [null, {}, false],
  [{ toString: 1 }, {}, false],
])('%j and %j are the same: %s', (a, b, same) => {
  expect(sameJson(a, b)).toBe(same)
})

test('statuses with the same conditions in another order are the same', () => {
  const [ready, accepted] = [{ type: 'Ready' }, { type: 'Accepted' }]
  expect(sameStatus({ conditions: [ready, accepted] }, { conditions: [accepted, ready] })).toBe(true)
  expect(sameStatus({ conditions: [ready] }, { conditions: [accepted] })).toBe(false)
  expect(sameStatus({ conditions: [] }, {})).toBe(false)
})
