/** Statuses are written a few at a time, policies first and only the newest of each, and trouble with one does not hold up another. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ApiError, refusal } from '../../../../operator/cluster/api/api-error.ts'
import type { KubeObject } from '../../../../operator/cluster/api/object.ts'
import { StatusWriter } from '../../../../operator/cluster/statuses/status-writer.ts'
import type { Ref } from '../../../../operator/compile/snapshot.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

type Answer = 'ok' | Error | Promise<void>

function open(answer: (object: KubeObject) => Answer = () => 'ok') {
  const sent: KubeObject[] = []
  const told: string[] = []
  const tooks: number[] = []
  const state = { leads: true }
  const writer = new StatusWriter({
    api: {
      async apply(object) {
        sent.push(object)
        const given = answer(object)
        if (given instanceof Error) throw given
        if (given !== 'ok') await given
        return object
      },
    },
    mayWrite: () => state.leads,
    signal: new AbortController().signal,
    written: ({ ref }) => told.push(`written ${ref}`),
    gone: ({ ref }) => told.push(`gone ${ref}`),
    failed: ({ ref }) => told.push(`failed ${ref}`),
    backoff: { firstMs: 100, longestMs: 100 },
    took: (ms) => tooks.push(ms),
  })
  const give = (ref: Ref, figure = 1): void =>
    writer.give({ ref, uid: 'u1', status: { observedGeneration: figure, conditions: [] } })
  const names = (): readonly string[] => sent.map(({ metadata }) => metadata.name)
  return { writer, give, sent, told, tooks, names, state }
}

const credential = (n: number): Ref => `RelayCredential team-a/c${n}`

test('a write has the name and uid of the object and its status, and nothing else', async () => {
  const { give, sent } = open()
  give('RelayPolicy mail/shared')
  await vi.advanceTimersByTimeAsync(0)
  expect(sent).toEqual([
    {
      apiVersion: 'relayfleet.dev/v1alpha1',
      kind: 'RelayPolicy',
      metadata: { namespace: 'mail', name: 'shared', uid: 'u1' },
      status: { observedGeneration: 1, conditions: [] },
    },
  ])
})

test('thirty-two are written at a time, and a policy goes before the credentials that wait', async () => {
  const end = Promise.withResolvers<void>()
  const { give, names } = open(() => end.promise)
  for (let n = 0; n < 64; n++) give(credential(n))
  give('RelayPolicy mail/shared')
  expect(names()).toHaveLength(32)
  end.resolve()
  await vi.advanceTimersByTimeAsync(0)
  expect(names()).toHaveLength(65)
  expect(names()[32]).toBe('shared')
})

test('of the statuses of one object that wait, only the newest is written', async () => {
  const end = Promise.withResolvers<void>()
  const { give, sent } = open(() => end.promise)
  for (const figure of [1, 2, 3]) give(credential(0), figure)
  end.resolve()
  await vi.advanceTimersByTimeAsync(0)
  expect(sent.map((o) => (o['status'] as { observedGeneration: number }).observedGeneration)).toEqual([1, 3])
})

test('a write that fails is tried again, and the others go on', async () => {
  let fails = 2
  const { give, names, told } = open(({ metadata }) =>
    metadata.name === 'c0' && fails-- > 0 ? new ApiError('unreachable', 'no') : 'ok',
  )
  give(credential(0))
  give(credential(1))
  await vi.advanceTimersByTimeAsync(0)
  expect(told).toEqual([`failed ${credential(0)}`, `written ${credential(1)}`])
  await vi.advanceTimersByTimeAsync(1000)
  expect(names()).toEqual(['c0', 'c1', 'c0', 'c0'])
  expect(told.at(-1)).toBe(`written ${credential(0)}`)
})

test.each([
  404, 409,
])('a write that is answered with %i, since the object is gone or another one, is not tried again', async (code) => {
  const { give, names, told } = open(() => refusal('PATCH', code, {}))
  give(credential(0))
  await vi.advanceTimersByTimeAsync(60_000)
  expect(names()).toEqual(['c0'])
  expect(told).toEqual([`gone ${credential(0)}`])
})

test('a status that was taken back is not tried again', async () => {
  const { give, writer, names } = open(() => new ApiError('unreachable', 'no'))
  give(credential(0))
  await vi.advanceTimersByTimeAsync(0)
  writer.drop(credential(0))
  await vi.advanceTimersByTimeAsync(60_000)
  expect(names()).toEqual(['c0'])
})

test('an operator that does not lead any more writes nothing', async () => {
  const { give, sent, state, told } = open()
  state.leads = false
  give(credential(0))
  await vi.advanceTimersByTimeAsync(1000)
  expect(sent).toEqual([])
  expect(told).toEqual([`gone ${credential(0)}`])
})

test('for each status that was written, the time that it took is told', async () => {
  const { give, tooks } = open(() => new Promise((resolve) => setTimeout(resolve, 40)))
  give(credential(1))
  await vi.advanceTimersByTimeAsync(50)
  expect(tooks).toEqual([40])
})

test('a write that a busy server refuses is tried again after the time that it names', async () => {
  const { give, sent } = open(() => refusal('patch', 429, {}, 5000))
  give(credential(1))
  await vi.advanceTimersByTimeAsync(4999)
  expect(sent).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(sent).toHaveLength(2)
})
