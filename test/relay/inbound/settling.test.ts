/** Messages that are about to be decided: who ends waits for them, and nothing of those that are decided is kept. */
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Settling } from '../../../relay/inbound/settling.ts'
import { liveBytes } from '../live-memory.ts'

test('who ends waits for all that are under way, also for one that fails', async () => {
  const settling = new Settling()
  const [good, bad] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()]
  const answers = [settling.during(good.promise), settling.during(bad.promise)].map((answer) =>
    answer.catch(String).then((said) => said),
  )
  let isDone = false
  const done = settling.done().then(() => {
    isDone = true
  })
  bad.reject('the disk failed')
  await turn()
  expect(isDone).toBe(false)
  good.resolve('accepted')
  await done
  expect(await Promise.all(answers)).toEqual(['accepted', 'the disk failed'])
})

test('what is decided is forgotten, however it was', async () => {
  const settling = new Settling()
  const decided = (n: number): Promise<Buffer> => {
    const answer = Buffer.alloc(1024)
    return n % 2 === 0 ? Promise.resolve(answer) : Promise.reject(answer)
  }
  const before = liveBytes()
  for (let n = 0; n < 10_000; n++) await settling.during(decided(n)).catch(() => undefined)
  const after = liveBytes()
  await settling.done()
  expect(after - before).toBeLessThan(2 * 1024 * 1024)
})
