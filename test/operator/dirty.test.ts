/** A flag that wakes a loop: any number of marks make one turn, and none is lost. */
import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { Dirty } from '../../operator/dirty.ts'

const forever = new AbortController().signal

test('a hundred marks in a row make one turn', async () => {
  const dirty = new Dirty()
  for (let i = 0; i < 100; i += 1) dirty.mark()
  await dirty.next(forever)
  let second = false
  void dirty.next(forever).then(() => {
    second = true
  })
  await new Promise(setImmediate)
  expect(second).toBe(false)
})

test('a mark during a turn makes another turn', async () => {
  const dirty = new Dirty()
  dirty.mark()
  await dirty.next(forever)
  dirty.mark()
  await dirty.next(forever)
})

test('waiting for the flag to be raised does not lower it', async () => {
  const dirty = new Dirty()
  dirty.mark()
  await dirty.raised
  await dirty.next(forever)
})

test.each([true, false])('the signal ends the wait (aborted before the wait: %s)', async (before) => {
  const ending = new AbortController()
  if (before) ending.abort()
  const waiting = new Dirty().next(ending.signal)
  ending.abort()
  await waiting
})

test('a bounded wait ends by itself, and leaves the flag lowered', async () => {
  const dirty = new Dirty()
  await dirty.nextWithin(1, forever)
  const next = dirty.next(forever).then(() => 'raised')
  expect(await Promise.race([next, new Promise((resolve) => setImmediate(() => resolve('lowered')))])).toBe('lowered')
})

test('a turn leaves no listener behind on the signal', async () => {
  const { signal } = new AbortController()
  const dirty = new Dirty()
  dirty.mark()
  await dirty.next(signal)
  expect(getEventListeners(signal, 'abort')).toEqual([])
})
