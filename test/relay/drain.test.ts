/** A relay that is to leave says `Drained` when no session can submit any more and its queue is empty, and not a moment before (case S29). */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { Drain, isToLeave } from '../../relay/drain.ts'
import { temporaryFolder } from '../local/temporary.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function stage() {
  const told: string[] = []
  const submission = { isShut: false, shut: () => told.push('shut'), reopen: () => told.push('reopen') }
  const spool = { isEmpty: true }
  const events = {
    draining: () => told.push('draining'),
    drained: () => told.push('drained'),
    stays: () => told.push('stays'),
    drainUnread: (why: string) => told.push(why),
  }
  const drain = new Drain({ submission, spool, events })
  onTestFinished(() => drain.close())
  return { drain, submission, spool, told }
}

test('a draining relay takes clients for five more seconds, in which those who send them here learn of it, and only then sends them away', () => {
  const { drain, submission, told } = stage()
  expect(drain.state).toBeUndefined()
  drain.set(true)
  expect(drain.state).toBe('Draining')
  vi.advanceTimersByTime(4_999)
  expect(told).toEqual(['draining'])
  vi.advanceTimersByTime(1)
  expect(told).toEqual(['draining', 'shut'])
  submission.isShut = true
  expect(drain.state).toBe('Drained')
})

test.each<[string, boolean, boolean, string]>([
  ['an open session and no mail', false, true, 'Draining'],
  ['no session and mail in the queue', true, false, 'Draining'],
  ['no session and no mail', true, true, 'Drained'],
])('a relay that is to leave is drained when it has neither sessions nor mail: %s', (_name, isShut, isEmpty, state) => {
  const { drain, submission, spool, told } = stage()
  drain.set(true, true)
  expect(told).toEqual(['draining', 'shut'])
  Object.assign(submission, { isShut })
  Object.assign(spool, { isEmpty })
  expect(drain.state).toBe(state)
  vi.advanceTimersByTime(5_000)
  expect(told.includes('drained')).toBe(state === 'Drained')
})

test('that a relay is drained is told once', () => {
  const { drain, submission, told } = stage()
  submission.isShut = true
  drain.set(true, true)
  vi.advanceTimersByTime(10_000)
  expect(told.filter((t) => t === 'drained')).toHaveLength(1)
})

test('a relay that is asked to stay after all takes mail again, also where it had not shut yet', () => {
  const { drain, submission, told } = stage()
  drain.set(true)
  drain.set(true)
  drain.set(false)
  vi.advanceTimersByTime(60_000)
  expect(told).toEqual(['draining', 'reopen', 'stays'])
  expect(drain.state).toBeUndefined()
  drain.set(true)
  vi.advanceTimersByTime(5_000)
  expect(told.at(-1)).toBe('shut')
  submission.isShut = true
  vi.advanceTimersByTime(10_000)
  expect(told.filter((t) => t === 'drained')).toHaveLength(1)
})

test('a relay is to leave when its file `drain` has a text; without that file, or with an empty one, it stays', () => {
  const folder = temporaryFolder()
  expect(isToLeave(folder)).toBe(false)
  writeFileSync(join(folder, 'drain'), '')
  expect(isToLeave(folder)).toBe(false)
  writeFileSync(join(folder, 'drain'), '2026-11-27T06:00:00Z')
  expect(isToLeave(folder)).toBe(true)
  expect(isToLeave(join(folder, 'drain'))).toBeInstanceOf(Error)
})

test('a file `drain` that can not be read is told once, and the relay goes on as before', () => {
  const { drain, told } = stage()
  const folder = temporaryFolder()
  const file = join(folder, 'drain')
  const unread = expect.stringContaining(`${file}: EISDIR`)
  mkdirSync(file)
  for (let time = 0; time < 3; time++) drain.follow(isToLeave(folder), true)
  expect([told, drain.state]).toEqual([[unread], undefined])
  rmSync(file, { recursive: true })
  writeFileSync(file, '2026-11-27T06:00:00Z')
  drain.follow(isToLeave(folder), true)
  rmSync(file)
  mkdirSync(file)
  for (let time = 0; time < 3; time++) drain.follow(isToLeave(folder))
  expect([told, drain.state]).toEqual([[unread, 'draining', 'shut', unread], 'Draining'])
})
