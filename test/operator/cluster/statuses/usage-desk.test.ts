/** Relays are asked once a minute what their credentials have used, also when the clock is set. */
import { expect, test } from 'vitest'
import { QueuedSample } from '../../../../operator/cluster/statuses/queued-sample.ts'
import { reportedOf } from '../../../../operator/cluster/statuses/reported.ts'
import { UsageDesk } from '../../../../operator/cluster/statuses/usage-desk.ts'
import type { Compiled } from '../../../../operator/compile/compiled.ts'
import { KnownUses } from '../../../../operator/known-uses.ts'
import { pod, report } from './fleet-evidence.ts'

test('where no pod could be listed, no key is said to be unused', async () => {
  const known = async (knowsPods: boolean): Promise<number | undefined> => {
    const keyUses = new KnownUses(() => undefined)
    const told = Promise.withResolvers<void>()
    const desk = new UsageDesk({
      world: { pods: () => [], knowsPods: () => knowsPods },
      ask: async () => undefined,
      keyUses,
      changed: told.resolve,
      now: () => 7,
      signal: new AbortController().signal,
    })
    desk.look(reportedOf(compiled, new Map()), 7)
    await told.promise
    return keyUses.of('mail/shared').upTo
  }
  expect([await known(true), await known(false)]).toEqual([7, undefined])
})

const compiled = {
  fleets: new Map([['mail/shared', { kind: 'hold' }]]),
  statuses: new Map(),
  findings: new Map(),
  bindings: new Map(),
} as unknown as Compiled

test('a clock that is set back by a day delays neither the next question nor the next count of messages', () => {
  let asked = 0
  let now = Date.parse('2026-11-24T03:00:00Z')
  const desk = new UsageDesk({
    world: { pods: () => [pod(0)], knowsPods: () => true },
    ask: async () => {
      asked += 1
      return undefined
    },
    keyUses: new KnownUses(() => undefined),
    changed: () => undefined,
    now: () => now,
    signal: new AbortController().signal,
  })
  const queued = new QueuedSample()
  const look = (messages: number): readonly unknown[] => {
    const { queue } = report()
    queued.take([{ pod: pod(0), report: report({ queue: { ...queue, ready: messages } }) }], now)
    desk.look(reportedOf(compiled, new Map()), now)
    return [asked, queued.of(pod(0).uid)]
  }
  const first = look(1)
  now += 1000
  expect(look(9)).toEqual(first)
  now -= 24 * 3_600_000
  expect(look(9)).toEqual([2, expect.anything()])
  expect(queued.of(pod(0).uid)).not.toBe(first[1])
})
