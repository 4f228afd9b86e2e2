/** A disk that does not answer is told once, however many writes wait for it, and once when the last of them has its answer. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { Silence } from '../../../relay/spool/silence.ts'

test('of writes that hang the first is told, and the answer to the last (case S20)', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const told: (string | undefined)[] = []
  const silence = new Silence('spool /data', (why) => told.push(why))
  const writes = Array.from({ length: 3 }, () => Promise.withResolvers<number>())
  const [first, second, quick] = writes
  const answers = writes.map(({ promise }) => silence.during(promise).catch(String))
  quick?.resolve(3)
  await answers[2]
  vi.advanceTimersByTime(60_000)
  const why = 'spool /data: the disk has not answered a write for 60 s'
  expect(told).toEqual([why])
  first?.resolve(1)
  await answers[0]
  expect(told).toEqual([why])
  second?.reject(new Error('EIO'))
  expect(await Promise.all(answers)).toEqual([1, 'Error: EIO', 3])
  expect(told).toEqual([why, undefined])
})

test('a relay that was stopped for a minute does not take that for the silence of its disk (case S20)', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const told: (string | undefined)[] = []
  const silence = new Silence('spool /data', (why) => told.push(why))
  const [answered, hanging] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const answers = [answered, hanging].map(({ promise }) => silence.during(promise))
  const clock = performance.now
  const stopped = vi.spyOn(performance, 'now').mockImplementation(() => clock() + 90_000)
  vi.advanceTimersByTime(60_000)
  stopped.mockRestore()
  answered.resolve()
  await answers[0]
  expect(told).toEqual([])
  vi.advanceTimersByTime(200_000)
  expect(told).toEqual(['spool /data: the disk has not answered a write for 60 s'])
  hanging.resolve()
  await answers[1]
  expect(told.at(-1)).toBe(undefined)
})
