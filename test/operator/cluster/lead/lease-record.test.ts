/** When a lease may be taken, and what is written into it. */
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
    ['of another, just seen', heldBy('b'), 0, false],
    ['of another, a moment before it runs out', heldBy('b'), leaseMs - 1, false],
    ['of another, run out', heldBy('b'), leaseMs, true],
    ['of nobody', heldBy(''), 0, true],
    ['that was given back', released(heldBy('b')), 0, true],
    ['of our own', heldBy('a'), 0, true],
    [
      'of another with longer terms',
      taken({ ...at, identity: 'b' }, undefined, { ...ordinaryTerms, leaseMs: 60_000 }),
      leaseMs,
      false,
    ],
    ['that nobody wrote well', { ...heldBy('b'), spec: {} }, 0, true],
  ])('%s', (_name, lease, seenMs, free) => {
    expect(isFree(lease, 'a', { resourceVersion: '1', since: 1000 }, 1000 + seenMs, ordinaryTerms)).toBe(free)
  })

  test('is watched from when it last changed, by the own clock', () => {
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

test('a holder stops before anybody can take over, and can fail to renew once before it has to', () => {
  expect(stopMs).toBeLessThan(leaseMs)
  expect(renewMs * 1.2 + retryMs * 1.2).toBeLessThan(stopMs)
})

test('K13: a candidate that looks in time takes over within 20 s', () => {
  expect(leaseMs + retryMs * 1.2).toBeLessThan(20_000)
})

test('time that passed is what either clock says', () => {
  const from = { monotonic: 100, wall: 5000 }
  expect(elapsedMs(from, { monotonic: 150, wall: 5050 })).toBe(50)
  expect(elapsedMs(from, { monotonic: 150, wall: 9000 }), 'the machine slept').toBe(4000)
  expect(elapsedMs(from, { monotonic: 150, wall: 1000 }), 'the wall clock was set back').toBe(50)
})
