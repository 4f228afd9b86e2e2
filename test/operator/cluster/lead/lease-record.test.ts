/** A Lease may be taken when it is free or has run out by our own clock, and says who took it and when. */
import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../../../operator/cluster/api/object.ts'
import { elapsedMs } from '../../../../operator/cluster/lead/clock.ts'
import {
  holderOf,
  isFree,
  ordinaryTerms,
  released,
  sight,
  taken,
} from '../../../../operator/cluster/lead/lease-record.ts'

const at = { namespace: 'n', name: 'l', time: '2026-11-24T00:00:00.000000Z' }
const heldBy = (identity: string): KubeObject => {
  const lease = taken({ ...at, identity }, undefined, ordinaryTerms)
  return { ...lease, metadata: { ...lease.metadata, resourceVersion: '1' } }
}
const { leaseMs, stopMs, renewMs, retryMs } = ordinaryTerms

describe('a lease', () => {
  test.each<[string, KubeObject, number, boolean]>([
    ['of another holder that was just seen is not free', heldBy('b'), 0, false],
    ['of another holder is not free a moment before it runs out', heldBy('b'), leaseMs - 1, false],
    ['of another holder is free when it has run out', heldBy('b'), leaseMs, true],
    ['without a holder is free', heldBy(''), 0, true],
    ['that was given back is free', released(heldBy('b')), 0, true],
    ['that we hold is free for us', heldBy('a'), 0, true],
    [
      'of another holder with longer terms runs out by those',
      taken({ ...at, identity: 'b' }, undefined, { ...ordinaryTerms, leaseMs: 60_000 }),
      leaseMs,
      false,
    ],
    ['with an empty spec is free', { ...heldBy('b'), spec: {} }, 0, true],
  ])('%s', (_name, lease, seenMs, free) => {
    expect(isFree(lease, 'a', { resourceVersion: '1', since: 1000 }, 1000 + seenMs, ordinaryTerms)).toBe(free)
  })

  test('runs from its last change by our own clock', () => {
    const first = sight(heldBy('b'), undefined, 10)
    expect(sight(heldBy('b'), first, 500)).toEqual({ resourceVersion: '1', since: 10 })
    const renewed = { ...heldBy('b'), metadata: { name: 'l', resourceVersion: '2' } }
    expect(sight(renewed, first, 500)).toEqual({ resourceVersion: '2', since: 500 })
  })

  test('counts its transitions and keeps when it was acquired', () => {
    const first = taken({ ...at, identity: 'a' }, undefined, ordinaryTerms)
    const again = taken({ ...at, identity: 'a', time: 'later' }, first, ordinaryTerms)
    const other = taken({ ...at, identity: 'b', time: 'last' }, again, ordinaryTerms)
    expect([first, again, other].map((l) => l['spec'])).toMatchObject([
      { holderIdentity: 'a', leaseTransitions: 0, acquireTime: at.time, renewTime: at.time, leaseDurationSeconds: 15 },
      { holderIdentity: 'a', leaseTransitions: 0, acquireTime: at.time, renewTime: 'later' },
      { holderIdentity: 'b', leaseTransitions: 1, acquireTime: 'last', renewTime: 'last' },
    ])
  })

  test('is replaced only in the version that was read', () => {
    expect(taken({ ...at, identity: 'a' }, heldBy('b'), ordinaryTerms).metadata).toMatchObject({ resourceVersion: '1' })
    expect(holderOf(released(heldBy('b')))).toBe('')
  })
})

test('a holder stops before another one may take over, and may fail to renew once before that', () => {
  expect(stopMs).toBeLessThan(leaseMs)
  expect(renewMs * 1.2 + retryMs * 1.2).toBeLessThan(stopMs)
})

test('K13: a candidate that looks in time takes over within 20 s', () => {
  expect(leaseMs + retryMs * 1.2).toBeLessThan(20_000)
})

test('the time that has passed is the longer one of the two clocks', () => {
  const from = { monotonic: 100, wall: 5000 }
  expect(elapsedMs(from, { monotonic: 150, wall: 5050 })).toBe(50)
  expect(elapsedMs(from, { monotonic: 150, wall: 9000 }), 'the machine slept').toBe(4000)
  expect(elapsedMs(from, { monotonic: 150, wall: 1000 }), 'the wall clock was set back').toBe(50)
})
