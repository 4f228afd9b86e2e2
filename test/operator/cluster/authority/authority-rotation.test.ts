/** Authorities follow each other for decades so that whoever got a bundle lately trusts every certificate that is issued now. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rotation, type Term, turnOf } from '../../../../operator/cluster/authority/authority-rotation.ts'

const day = 24 * 3_600_000
const start = Date.UTC(2026, 10, 24)
const authorityMs = 3650 * day
const leafMs = 90 * day

const term = (addedDay: number, endsDay: number): Term => ({
  addedAt: start + addedDay * day,
  endsAt: start + endsDay * day,
})
const [old, next] = [term(0, 3650), term(3300, 6950)]

test.each<[string, readonly Term[], number, Term | undefined, boolean, number]>([
  ['without an authority, one is wanted', [], 0, undefined, true, 0],
  ['the first authority signs at once', [old], 0, old, false, 1],
  ['with more than a year left, no next one is wanted', [old], 3285, old, false, 1],
  ['with less than a year left, a next one is wanted', [old], 3286, old, true, 1],
  ['a next one is in the bundle before it signs', [old, next], 3301, old, false, 2],
  ['a next one signs when it has been in the bundle for thirty days', [old, next], 3330, next, false, 2],
  ['the old one is in the bundle until it ends', [old, next], 3649, next, false, 2],
  ['the old one is not in the bundle after its end', [old, next], 3650, next, false, 1],
  [
    'a next one that was made late leaves the old one signing as long as that lasts',
    [old, term(3640, 7290)],
    3649,
    old,
    false,
    2,
  ],
  [
    'a next one that was made late signs when the old one has ended',
    [old, term(3640, 7290)],
    3651,
    term(3640, 7290),
    false,
    1,
  ],
  ['when all have ended, a new one is wanted', [old], 3651, undefined, true, 0],
  ['the order of the list does not matter', [next, old], 3330, next, false, 2],
  ['a clock that was set back makes no second one wanted', [old], -10, old, false, 1],
])('%s', (_name, terms, today, signer, wantsNext, living) => {
  const turn = turnOf(terms, start + today * day)
  expect([turn.signer, turn.wantsNext, turn.living.length]).toEqual([signer, wantsNext, living])
})

type Moment = { readonly now: number; readonly bundle: readonly Term[]; readonly leafEndsAt: number; signer: Term }

/** The life of an operator that looks after each of these pauses, and each time issues a certificate and hands out a bundle. */
function lived(pauses: readonly number[]): readonly Moment[] {
  let terms: readonly Term[] = []
  let now = start
  const moments: Moment[] = []
  for (const pause of pauses) {
    now += pause
    if (turnOf(terms, now).wantsNext) terms = [...terms, { addedAt: now, endsAt: now + authorityMs }]
    const { living, signer } = turnOf(terms, now)
    terms = living
    if (signer === undefined) throw new Error('nobody signs')
    moments.push({ now, bundle: living, signer, leafEndsAt: Math.min(now + leafMs, signer.endsAt) })
  }
  return moments
}

/** Mostly hours and days, now and then three months without an operator; forty years in all. */
const pauses = fc.array(
  fc
    .oneof(
      { weight: 5, arbitrary: fc.integer({ min: 1, max: 14 * 24 }) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 90 * 24 }) },
    )
    .map((hours) => hours * 3_600_000),
  { minLength: 900, maxLength: 900 },
)

test('every certificate is trusted by all bundles of the last thirty days, and all its life by every later bundle', () => {
  fc.assert(
    fc.property(pauses, (given) => {
      const moments = lived(given)
      expect(new Set(moments.map((m) => m.signer.addedAt)).size).toBeGreaterThan(1)
      for (const [i, { now, signer, leafEndsAt }] of moments.entries()) {
        expect(leafEndsAt - now).toBe(leafMs)
        expect(leafEndsAt).toBeLessThanOrEqual(signer.endsAt)
        for (let j = i; j >= 0 && now - (moments[j]?.now ?? 0) <= rotation.settleMs; j--) {
          expect(moments[j]?.bundle).toContainEqual(signer)
        }
        for (let j = i; j < moments.length && (moments[j]?.now ?? 0) < leafEndsAt; j++) {
          expect(moments[j]?.bundle).toContainEqual(signer)
        }
      }
    }),
    { numRuns: 20 },
  )
})
