/** A relay that is down with the mail that it had accepted counts as away since it went. */
import { expect, test } from 'vitest'
import { awayBefore, awayNow } from '../../../../operator/cluster/statuses/away.ts'
import type { AskedPod } from '../../../../operator/cluster/statuses/inquiry.ts'
import { good, now, pod, report, silent, starting } from './fleet-evidence.ts'

const spools = ['shared-0', 'shared-1'].map((name) => ({ name, id: `spool of ${name}` }))
const minute = 60_000

test.each<[string, readonly AskedPod[], readonly string[]]>([
  ['with every relay serving, none is away', [good(0), good(1)], []],
  ['a relay that is ready and does not answer is not away', [good(0), silent(1, 99)], []],
  [
    'a relay that answers and is not ready is not away',
    [good(0), { pod: pod(1, { ready: false }), report: report() }],
    [],
  ],
  ['a relay that does not start is away', [good(0), starting(1)], ['shared-1']],
  ['a relay without a pod is away', [good(0)], ['shared-1']],
  [
    'a relay whose pod is being deleted is away',
    [good(0), { pod: pod(1, { leaving: true }), report: report() }],
    ['shared-1'],
  ],
])('%s', (_name, pods, away) => {
  expect([...awayNow(new Map(), spools, pods, now).keys()]).toEqual(away)
})

test('a relay is away from when it went until it is back, and one that never had a spool is never away', () => {
  const first = awayNow(new Map(), spools, [good(0)], now)
  expect(first).toEqual(new Map([['shared-1', now]]))
  const later = awayNow(first, spools, [good(0), starting(1), starting(2)], now + minute)
  expect(later).toEqual(first)
  expect(awayNow(later, spools, [good(0), good(1)], now + minute)).toEqual(new Map())
})

test('a restarted operator takes from the status that a relay is away', () => {
  const condition = {
    type: 'Degraded',
    status: 'True',
    message: '',
    observedGeneration: 1,
    lastTransitionTime: '',
  } as const
  const saying = (reason: string) => awayBefore(spools, { conditions: [{ ...condition, reason }] })
  expect(awayNow(saying('RelayAway'), spools, [good(0)], now)).toEqual(new Map([['shared-1', 0]]))
  expect(awayNow(saying('QueueOld'), spools, [good(0)], now)).toEqual(new Map([['shared-1', now]]))
})
