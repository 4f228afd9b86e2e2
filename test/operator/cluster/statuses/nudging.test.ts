/** The kubelet of a pod that lags is nudged to look at its files, less and less often, and other pods are left alone. */
import { expect, test } from 'vitest'
import { Nudging } from '../../../../operator/cluster/statuses/nudging.ts'
import { good, lagging, now } from './fleet-evidence.ts'

test('a relay that has lagged for two seconds is nudged, and no other', () => {
  const nudging = new Nudging()
  const fleet = [good(0), lagging(1, 1999), lagging(2, 500)]
  expect(nudging.due('mail/shared', fleet, now)).toEqual({ pods: [], at: now + 1 })
  expect(nudging.due('mail/shared', fleet, now + 1)).toMatchObject({ pods: ['shared-1'] })
})

test('a relay that goes on lagging is nudged after four seconds, after eight more, and at last every five minutes', () => {
  const nudging = new Nudging()
  const at: number[] = []
  for (let moment = now; moment < now + 3_600_000; moment += 1000) {
    if (nudging.due('mail/shared', [lagging(0, 2000)], moment).pods.length > 0) at.push((moment - now) / 1000)
  }
  expect(at.slice(0, 4)).toEqual([0, 4, 12, 28])
  expect(at.length).toBeLessThan(20)
})

test('a relay that lags again later is nudged at once', () => {
  const nudging = new Nudging()
  nudging.due('mail/shared', [lagging(0, 2000)], now)
  nudging.due('mail/shared', [good(0)], now + 100)
  expect(nudging.due('mail/shared', [lagging(0, 2000)], now + 200).pods).toEqual(['shared-0'])
})
