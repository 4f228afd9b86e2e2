/** Relays are asked quickly while something has to change, rarely otherwise, and never too many at once. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Inquiry } from '../../../../operator/cluster/statuses/inquiry.ts'
import type { RelayReport } from '../../../../operator/cluster/statuses/relay-report.ts'
import type { RelayPod } from '../../../../operator/cluster/watch/relay-pod.ts'
import { newest, older, pod, report } from './fleet-evidence.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function open(answer: (pod: RelayPod) => RelayReport | undefined | Promise<RelayReport | undefined>) {
  const asked: string[] = []
  let news = 0
  const ending = new AbortController()
  const inquiry = new Inquiry({
    ask: async (one) => {
      asked.push(one.name)
      return answer(one)
    },
    changed: () => {
      news += 1
    },
    now: Date.now,
    signal: ending.signal,
  })
  const follow = (pods: readonly RelayPod[], hash: string | undefined = newest, lagsSince?: number): void =>
    inquiry.follow(new Map([['mail/shared', { pods, hash, lagsSince }]]))
  const seconds = (s: number) => vi.advanceTimersByTimeAsync(s * 1000)
  return { inquiry, asked, follow, seconds, news: () => news }
}

test('a relay that is as it should be is asked every few seconds, and its first answer is the only news', async () => {
  const { asked, follow, seconds, inquiry, news } = open(() => report())
  follow([pod(0)])
  await seconds(0)
  expect(inquiry.known([pod(0)])).toEqual([{ pod: pod(0), report: report() }])
  await seconds(60)
  expect(asked.length).toBeGreaterThanOrEqual(6)
  expect(asked.length).toBeLessThanOrEqual(13)
  expect(news()).toBe(1)
})

test('after a new configuration the relay is asked at once and then every tenth of a second until it has it', async () => {
  let hash = older
  const { asked, follow, seconds, inquiry } = open(() => report({ hash }))
  follow([pod(0)], older)
  await seconds(1)
  const before = asked.length
  follow([pod(0)], newest)
  await seconds(0.35)
  expect(asked.length - before).toBe(4)
  hash = newest
  await seconds(0.1)
  expect(inquiry.known([pod(0)])).toEqual([{ pod: pod(0), report: report() }])
  const after = asked.length
  await seconds(4)
  expect(asked.length).toBe(after)
})

test('a relay that never gets the configuration is asked less and less often, and lags since the beginning', async () => {
  const { asked, follow, seconds, inquiry } = open(() => report({ hash: older }))
  const since = Date.now()
  follow([pod(0)])
  await seconds(3)
  const atFirst = asked.length
  expect(atFirst).toBeGreaterThan(3)
  expect(atFirst).toBeLessThanOrEqual(15)
  await seconds(600)
  expect(asked.length).toBeGreaterThan(atFirst + 30)
  expect(asked.length).toBeLessThanOrEqual(160)
  expect(inquiry.known([pod(0)])[0]?.lagsSince).toBe(since)
})

test('a clock that is set back by a day neither speeds up the questions nor keeps an old answer for ever', async () => {
  let answer: RelayReport | undefined = report({ hash: older })
  const { asked, follow, seconds, inquiry } = open(() => answer)
  follow([pod(0)])
  await seconds(1)
  const before = asked.length
  vi.setSystemTime(Date.now() - 24 * 3_600_000)
  await seconds(60)
  expect(asked.length).toBeGreaterThan(before + 10)
  expect(asked.length).toBeLessThanOrEqual(40)
  answer = undefined
  await seconds(20)
  vi.setSystemTime(Date.now() - 24 * 3_600_000)
  await seconds(60)
  expect(inquiry.known([pod(0)])[0]?.report).toBeUndefined()
})

test('the last answer of a relay that falls silent is dropped though the clock is set back then', async () => {
  let answer: RelayReport | undefined = report()
  const { follow, seconds, inquiry } = open(() => answer)
  follow([pod(0)])
  await seconds(11)
  answer = undefined
  await seconds(11)
  vi.setSystemTime(Date.now() - 24 * 3_600_000)
  await seconds(60)
  expect(inquiry.known([pod(0)])[0]?.report).toBeUndefined()
})

test('a relay that loads newer configurations one after the other lags only since the last one', async () => {
  let hash = older
  const { follow, seconds, inquiry } = open(() => report({ hash }))
  follow([pod(0)])
  await seconds(20)
  hash = `sha256:${'c'.repeat(64)}`
  await seconds(20)
  const { lagsSince = 0 } = inquiry.known([pod(0)])[0] ?? {}
  expect(Date.now() - lagsSince).toBeLessThanOrEqual(20_000)
})

test('a restarted operator goes on with the time since which the fleet has lagged', async () => {
  const { follow, seconds, inquiry } = open(() => report({ hash: older }))
  follow([pod(0)], newest, Date.now() - 60_000)
  await seconds(1)
  expect(Date.now() - (inquiry.known([pod(0)])[0]?.lagsSince ?? 0)).toBe(61_000)
})

test('one missing answer changes nothing, and half a minute without one drops the report', async () => {
  let speaks = true
  const { follow, seconds, inquiry } = open(() => (speaks ? report() : undefined))
  follow([pod(0)])
  await seconds(1)
  speaks = false
  await seconds(11)
  expect(inquiry.known([pod(0)])[0]).toHaveProperty('report')
  await seconds(25)
  expect(inquiry.known([pod(0)])[0]).not.toHaveProperty('report')
  expect(inquiry.known([pod(0)])[0]).toHaveProperty('lagsSince')
})

test('the report of a relay of another fleet at that address is ignored', async () => {
  const { follow, seconds, inquiry } = open(() => report({ policy: 'mail/other' }))
  follow([pod(0)])
  await seconds(1)
  expect(inquiry.known([pod(0)])[0]).not.toHaveProperty('report')
})

test('a relay that was restarted has no report until it answers again', async () => {
  const answers = [report(), undefined]
  const { follow, seconds, inquiry } = open(() => answers.shift())
  follow([pod(0)])
  await seconds(1)
  follow([pod(0, { ready: false })])
  await seconds(1)
  expect(inquiry.known([pod(0)])[0]).not.toHaveProperty('report')
})

test('a pod that is being deleted is not asked, and the report of one that is gone is dropped', async () => {
  const { asked, follow, seconds, inquiry } = open(() => report())
  follow([pod(0, { leaving: true })])
  await seconds(30)
  expect(asked).toEqual([])
  follow([pod(1)])
  await seconds(1)
  follow([])
  const before = asked.length
  await seconds(60)
  expect(asked.length).toBe(before)
  expect(inquiry.known([pod(1)])).toEqual([{ pod: pod(1) }])
})

test('three hundred relays are all asked, at most 48 at a time', async () => {
  let [now, most] = [0, 0]
  const { asked, follow, seconds } = open(async () => {
    most = Math.max(most, ++now)
    await new Promise((resolve) => setTimeout(resolve, 50))
    now -= 1
    return report()
  })
  follow(Array.from({ length: 300 }, (_, i) => pod(i, { uid: `uid-${i.toString(16).padStart(4, '0')}` })))
  await seconds(1)
  expect(new Set(asked).size).toBe(300)
  expect(most).toBeLessThanOrEqual(48)
})
