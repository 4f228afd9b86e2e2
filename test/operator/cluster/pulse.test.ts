/** The probes of the operator answer from what it has told: ready once everything was listed, healthy while its turns end. */
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

test('an operator is ready from when everything was listed, also as a standby', () => {
  expect(pulseAfter().unready()).toEqual(['not everything has been listed yet'])
  expect(pulseAfter({ about: 'synced', ms: 1 }).unready()).toEqual([])
})

test.each<[string, readonly Telling[], number, boolean]>([
  ['an operator without a turn for an hour is healthy', [], 60 * minutes, true],
  ['an operator in a turn of two minutes is healthy', [begins], 2 * minutes, true],
  ['an operator in a turn of four minutes is not healthy', [begins], 4 * minutes, false],
  [
    'an operator whose last turn ended an hour ago is healthy',
    [begins, { about: 'done', part: 'turn', ms: 5 }],
    60 * minutes,
    true,
  ],
])('%s', (_name, told, now, alive) => {
  expect(pulseAfter(...told).unhealthy(now).length === 0).toBe(alive)
})

test('an operator that has listed nothing for an hour is healthy, since the API server may be away', () => {
  expect(pulseAfter().unhealthy(60 * minutes)).toEqual([])
})
