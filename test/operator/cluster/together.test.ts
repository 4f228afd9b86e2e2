/** Parts of a process live and end together: the end of one ends all of them, and its reason is told. */
import { expect, test } from 'vitest'
import { ApiError } from '../../../operator/cluster/api/api-error.ts'
import { ended, type Part, together } from '../../../operator/cluster/together.ts'
import { Deposed } from '../../../operator/cluster/write/apply.ts'

const until: Part = (signal) => ended(signal)
const throwing =
  (error: unknown): Part =>
  async () => {
    throw error
  }
const throwingAtTheEnd =
  (error: unknown): Part =>
  async (signal) => {
    await ended(signal)
    throw error
  }

test('all parts run until the signal, and the last one to end is waited for', async () => {
  const ending = new AbortController()
  const log: string[] = []
  const slow: Part = async (signal) => {
    await ended(signal)
    await Promise.resolve()
    log.push('slow ended')
  }
  const running = together({ until, slow }, ending.signal).then(() => log.push('all ended'))
  ending.abort()
  await running
  expect(log).toEqual(['slow ended', 'all ended'])
})

test('a part that throws ends the others, and is named with its error', async () => {
  let othersEnded = false
  const other: Part = async (signal) => {
    await ended(signal)
    othersEnded = true
  }
  const running = together({ other, broken: throwing(new TypeError('x is not a function')) }, never())
  await expect(running).rejects.toThrow('broken: x is not a function')
  expect(othersEnded).toBe(true)
})

test('a part that ends by itself is a failure', async () => {
  await expect(together({ until, brief: async () => {} }, never())).rejects.toThrow('brief: it ended by itself')
})

test.each([
  ['a request that was given up', new ApiError('unreachable', 'given up')],
  ['a write that another has to do', new Deposed('for another')],
  ['an abort', new DOMException('aborted', 'AbortError')],
])('after the signal, %s is no failure', async (_name, error) => {
  const ending = new AbortController()
  const running = together({ one: throwingAtTheEnd(error) }, ending.signal)
  ending.abort()
  await expect(running).resolves.toBeUndefined()
})

test('another error after the signal is a failure', async () => {
  const ending = new AbortController()
  const running = together({ one: throwingAtTheEnd(new TypeError('oh')) }, ending.signal)
  ending.abort()
  await expect(running).rejects.toThrow('one: oh')
})

test('before the signal, an error of the API is a failure', async () => {
  await expect(together({ until, one: throwing(new ApiError('late', 'no answer')) }, never())).rejects.toThrow(
    'one: no answer',
  )
})

test('a part that does not end after the signal is named, and not waited for', async () => {
  const ending = new AbortController()
  const running = together({ until, stuck: () => new Promise(() => {}) }, ending.signal, 10)
  ending.abort()
  await expect(running).rejects.toThrow('stuck: still at work 10 ms after the end')
})

const never = (): AbortSignal => new AbortController().signal
