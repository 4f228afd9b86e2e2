/** A message is in memory once: whoever takes it gets the object that everybody else gets. */
import { expect, test } from 'vitest'
import { Roster } from '../../../relay/delivery/roster.ts'
import type { Tracked } from '../../../relay/delivery/tracked.ts'
import { MemorySpool } from './memory-spool.ts'
import { envelope, hello } from './samples.ts'

function kept() {
  const spool = new MemorySpool()
  const message = envelope(hello)
  spool.put(message, hello)
  return { roster: new Roster(spool), handle: spool.handleOf(message.queueId) ?? -1, spool }
}

test('when the first of two that wait for one message lets it go, the second one gets the object that a third one gets', async () => {
  const { roster, handle } = kept()
  const held: Tracked[] = []
  await Promise.all([
    roster.take(handle, (message) => roster.release(message)),
    roster.take(handle, (message) => {
      message.busy.add(0)
      held.push(message)
    }),
  ])
  await roster.take(handle, (message) => void held.push(message))
  expect(held[1]).toBe(held[0])
  expect(held[1]?.busy.has(0)).toBe(true)
})

test('a message that is dropped between being asked for and being handed out is read anew', async () => {
  const { roster, handle } = kept()
  let first: Tracked | undefined
  await roster.take(handle, (message) => {
    first = message
  })
  const second = roster.take(handle, (message) => message)
  roster.drop(first as Tracked)
  const third = roster.take(handle, (message) => message)
  expect(await second).toBe(await third)
  expect(await second).not.toBe(first)
})

test('a message that has left the spool meanwhile is handed out to nobody', async () => {
  const { roster, handle, spool } = kept()
  spool.stored.clear()
  expect(await roster.take(handle, () => 'taken')).toBeUndefined()
})
