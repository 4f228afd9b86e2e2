/** Kubelets of pods that lag are asked once more, later and later; others are left in peace. */
import { expect, test } from 'vitest'
import { Nudging } from '../../../../operator/cluster/statuses/nudging.ts'
import { good, lagging, now } from './fleet-evidence.ts'

test('who lags for two seconds is nudged, and nobody else', () => {
  const nudging = new Nudging()
  const fleet = [good(0), lagging(1, 1999), lagging(2, 500)]
  expect(nudging.due('mail/shared', fleet, now)).toEqual({ pods: [], at: now + 1 })
  expect(nudging.due('mail/shared', fleet, now + 1)).toMatchObject({ pods: ['shared-1'] })
})

test('again after four seconds, eight, and at last every five minutes', () => {
  const nudging = new Nudging()
  const at: number[] = []
  for (let moment = now; moment < now + 3_600_000; moment += 1000) {
    if (nudging.due('mail/shared', [lagging(0, 2000)], moment).pods.length > 0) at.push((moment - now) / 1000)
  }
  expect(at.slice(0, 4)).toEqual([0, 4, 12, 28])
  expect(at.length).toBeLessThan(20)
})

test('who lags again later begins anew', () => {
  const nudging = new Nudging()
  nudging.due('mail/shared', [lagging(0, 2000)], now)
  nudging.due('mail/shared', [good(0)], now + 100)
  expect(nudging.due('mail/shared', [lagging(0, 2000)], now + 200).pods).toEqual(['shared-0'])
})
