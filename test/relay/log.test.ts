/** A line of the log is one JSON object with level and time, whatever is told in it. */
import { expect, test, vi } from 'vitest'
import { createLog } from '../../relay/log.ts'

function logged() {
  const lines: string[] = []
  return { log: createLog({ write: (line) => lines.push(line) }), lines }
}

test('the fields of a line stand between its time and its message, in their order; a field that is undefined is left out', () => {
  vi.useFakeTimers({ now: Date.UTC(2026, 10, 30, 5, 4, 3, 2) })
  const { log, lines } = logged()
  log.info({ session: 's', bytes: 12, why: undefined, forwardPaths: ['"a"'], share: Number.NaN }, 'accepted')
  vi.setSystemTime(Date.UTC(2026, 10, 30, 5, 4, 3, 3))
  log.warn({}, 'spool takes mail again')
  vi.useRealTimers()
  expect(lines).toEqual([
    `{"level":30,"time":"2026-11-30T05:04:03.002Z","session":"s","bytes":12,"forwardPaths":["\\"a\\""],"share":null,"msg":"accepted"}\n`,
    `{"level":40,"time":"2026-11-30T05:04:03.003Z","msg":"spool takes mail again"}\n`,
  ])
})

test('each line has the time at which it was written, also where the clock goes back', () => {
  const times = [
    '2026-11-30T05:04:03.999Z',
    '2026-11-30T05:04:04.000Z',
    '2026-11-30T05:04:04.040Z',
    '2026-11-30T05:04:03.040Z',
    '2027-01-01T00:00:00.007Z',
    '1969-12-31T23:59:59.998Z',
  ]
  vi.useFakeTimers()
  const { log, lines } = logged()
  for (const time of times) {
    vi.setSystemTime(Date.parse(time))
    log.info({}, 'spool recovered')
  }
  vi.useRealTimers()
  expect(lines.map((line) => (JSON.parse(line) as { time: string }).time)).toEqual(times)
})
