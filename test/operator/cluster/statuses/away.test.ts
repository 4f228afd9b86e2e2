/** Since when relays are down with what they had accepted. */
import { expect, test } from 'vitest'
import { awayBefore, awayNow } from '../../../../operator/cluster/statuses/away.ts'
import type { AskedPod } from '../../../../operator/cluster/statuses/inquiry.ts'
import { good, now, pod, report, silent, starting } from './fleet-evidence.ts'

const spools = ['shared-0', 'shared-1'].map((name) => ({ name, id: `spool of ${name}` }))
const minute = 60_000

test.each<[string, readonly AskedPod[], readonly string[]]>([
  ['all serve', [good(0), good(1)], []],
  ['one is ready and silent: whether it has the newest configuration is told elsewhere', [good(0), silent(1, 99)], []],
  ['one reads its spool, and says so', [good(0), { pod: pod(1, { ready: false }), report: report() }], []],
  ['one does not start', [good(0), starting(1)], ['shared-1']],
  ['one is not there', [good(0)], ['shared-1']],
  ['one is being deleted', [good(0), { pod: pod(1, { leaving: true }), report: report() }], ['shared-1']],
])('%s', (_name, pods, away) => {
  expect([...awayNow(new Map(), spools, pods, now).keys()]).toEqual(away)
})

test('it is away since it went, until it is back; one that never had a spool is missed by nobody', () => {
  const first = awayNow(new Map(), spools, [good(0)], now)
  expect(first).toEqual(new Map([['shared-1', now]]))
  const later = awayNow(first, spools, [good(0), starting(1), starting(2)], now + minute)
  expect(later).toEqual(first)
  expect(awayNow(later, spools, [good(0), good(1)], now + minute)).toEqual(new Map())
})

test('an operator that was started again goes on with what was said', () => {
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
