/** What the probes of the operator answer, by what it told. */
import { expect, test } from 'vitest'
import { Pulse } from '../../../operator/cluster/pulse.ts'
import type { Telling } from '../../../operator/cluster/telling.ts'

const pulseAfter = (...told: readonly Telling[]): Pulse => {
  const pulse = new Pulse()
  for (const telling of told) pulse.note(telling, 0)
  return pulse
}
const begins: Telling = { about: 'turn begins' }
const minutes = 60_000

test('nobody is ready before everything was listed, and a standby is from then on', () => {
  expect(pulseAfter().unready()).toEqual(['not everything has been listed yet'])
  expect(pulseAfter({ about: 'synced', ms: 1 }).unready()).toEqual([])
})

test.each<[string, readonly Telling[], number, boolean]>([
  ['a quiet loop', [], 60 * minutes, true],
  ['a turn that just began', [begins], 2 * minutes, true],
  ['a turn that does not end for minutes', [begins], 4 * minutes, false],
  ['a turn that ended', [begins, { about: 'done', part: 'turn', ms: 5 }], 60 * minutes, true],
])('%s', (_name, told, now, alive) => {
  expect(pulseAfter(...told).unhealthy(now).length === 0).toBe(alive)
})

test('before it has listed anything it lives: the API server may be away', () => {
  expect(pulseAfter().unhealthy(60 * minutes)).toEqual([])
})
