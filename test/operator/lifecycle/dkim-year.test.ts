/** A simulated year: whatever goes wrong, no key signs unseen, and no record goes while mail that it is for is under way. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { delegatedSelectors } from '../../../operator/lifecycle/delegated-selectors.ts'
import { seededRandom } from '../../local/seeded-random.ts'
import { DomainYear, day, type Trouble, type Year } from './dkim-year.ts'

/** Public: the same years for everybody. */
const seed = Number(process.env['RELAYFLEET_SEED'] ?? 20_261_127)

const trouble = fc.record<Trouble>({
  day: fc.integer({ min: 0, max: 360 }),
  hours: fc.integer({ min: 1, max: 24 * 40 }),
  what: fc.constantFrom(
    'operator away',
    'nobody publishes',
    'server silent',
    'server lies yes',
    'server lies no',
    'relay deaf',
    'relay silent',
    'status lost',
    'key Secret lost',
    'key Secret unreadable',
    'selectors not delegated',
  ),
  whom: fc.integer({ min: 0, max: 2 }),
})

const delegating = {
  domain: 'example.org',
  targetZone: 'keys.example',
  prefix: 'rf',
  environment: 'Production',
} as const
const selectors = {
  'each key has a selector of its own': {},
  'keys take two selectors in turns': { delegated: delegatedSelectors(delegating) },
} as const

const year = (luck: number, troubles: readonly Trouble[], turns: Pick<Year['wish'], 'delegated'>): Year => ({
  wish: { types: ['rsa', 'ed25519'], everyMs: 30 * day, overlapMs: 7 * day, ...turns },
  expireAfterMs: day,
  troubles,
  dice: seededRandom(luck),
})

/** What signs is known from two places: who loses both has lost it. */
const isBearable = (troubles: readonly Trouble[]): boolean =>
  !troubles.some((t) => t.what === 'status lost') || !troubles.some((t) => t.what === 'key Secret lost')

describe.each(Object.entries(selectors))('%s', (_name, turns) => {
  test('a calm year has its rotations, and leaves nothing lying about', () => {
    const calm = new DomainYear(year(seed, [], turns))
    calm.run()
    expect(calm.faults).toEqual([])
    // Two kinds, a month each and some hours to be seen: a dozen of each, of which one signs and at most one retires.
    expect(calm.outcome.signed).toBeGreaterThanOrEqual(22)
    expect(calm.outcome.made - calm.outcome.signed).toBeLessThanOrEqual(2)
    expect(calm.outcome.held).toBeLessThanOrEqual(6)
    expect(calm.outcome.recorded).toBeLessThanOrEqual(8)
  })

  test('in a bad year, too, no key signs unseen and no record goes too soon', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.array(trouble, { maxLength: 24 }).filter(isBearable),
        (luck, troubles) => {
          const bad = new DomainYear(year(luck, troubles, turns))
          bad.run()
          expect(bad.faults).toEqual([])
        },
      ),
      { seed, numRuns: 50 },
    )
  })
})
