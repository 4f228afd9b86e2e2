/** In a simulated year with any troubles, no DKIM key signs before its record is seen, and no record goes while mail signed with it is under way. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { delegatedSelectors } from '../../../operator/lifecycle/delegated-selectors.ts'
import { seededRandom } from '../../local/seeded-random.ts'
import { DomainYear, day, type Trouble, type Year } from './dkim-year.ts'

/** The seed is fixed, so that everybody gets the same years. */
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

/** Which key signs is known from the status and from the Secret of the keys; a year that loses both can not be borne. */
const isBearable = (troubles: readonly Trouble[]): boolean =>
  !troubles.some((t) => t.what === 'status lost') || !troubles.some((t) => t.what === 'key Secret lost')

describe.each(Object.entries(selectors))('%s', (_name, turns) => {
  test('in a year without trouble keys rotate every month, and few keys and records are left over', () => {
    const calm = new DomainYear(year(seed, [], turns))
    calm.run()
    expect(calm.faults).toEqual([])
    // Two algorithms with a new key each month: a dozen keys of each, of which one signs and at most one retires.
    expect(calm.outcome.signed).toBeGreaterThanOrEqual(22)
    expect(calm.outcome.made - calm.outcome.signed).toBeLessThanOrEqual(2)
    expect(calm.outcome.held).toBeLessThanOrEqual(6)
    expect(calm.outcome.recorded).toBeLessThanOrEqual(8)
  })

  test('in a year with any troubles no key signs before its record is seen, and no record goes too soon', {
    timeout: 120_000,
  }, () => {
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
