/** What happens again and again becomes one Event with a count, which is written at most once a minute. */
import { expect, test } from 'vitest'
import { objectName } from '../../../../crds/fields.ts'
import { EventSeries, type EventWrite, type Occasion } from '../../../../operator/cluster/events/event-series.ts'
import { occasion } from './occasion.ts'

const minute = 60_000
const short = (write: EventWrite | undefined) =>
  write === undefined
    ? undefined
    : write.do === 'create'
      ? write.event.metadata.name
      : `${write.name} x${write.series.count}`

function play(steps: readonly (readonly [atMs: number, what: Partial<Occasion> | 'due'])[]) {
  const series = new EventSeries('pod-1')
  return steps.flatMap(([at, what], i): readonly unknown[] =>
    what === 'due'
      ? [series.due(at).map(short)]
      : [short(series.note({ ...occasion, ...what }, at, `n${i}`)) ?? 'counted'],
  )
}

test.each<[string, Parameters<typeof play>[0], readonly unknown[]]>([
  ['the first occasion makes an Event', [[0, {}]], ['web.n0']],
  [
    'the same occasion again is counted, and the count is written after a minute',
    [
      [0, {}],
      [1, {}],
      [2, {}],
      [minute, 'due'],
    ],
    ['web.n0', 'counted', 'counted', ['web.n0 x3']],
  ],
  [
    'the count is not written before a minute has passed',
    [
      [0, {}],
      [1, {}],
      [minute - 1, 'due'],
    ],
    ['web.n0', 'counted', []],
  ],
  [
    'a count is written once',
    [
      [0, {}],
      [1, {}],
      [minute, 'due'],
      [3 * minute, 'due'],
    ],
    ['web.n0', 'counted', ['web.n0 x2'], []],
  ],
  [
    'another reason makes another Event',
    [
      [0, {}],
      [1, { reason: 'Other' }],
    ],
    ['web.n0', 'web.n1'],
  ],
  [
    'another type makes another Event',
    [
      [0, {}],
      [1, { type: 'Normal' }],
    ],
    ['web.n0', 'web.n1'],
  ],
  [
    'another object makes another Event',
    [
      [0, {}],
      [1, { regarding: { ...occasion.regarding, uid: 'u2' } }],
    ],
    ['web.n0', 'web.n1'],
  ],
  [
    'another wording at once is counted',
    [
      [0, {}],
      [1, { note: 'other' }],
    ],
    ['web.n0', 'counted'],
  ],
  [
    'another wording a minute later makes another Event',
    [
      [0, {}],
      [minute, { note: 'other' }],
    ],
    ['web.n0', 'web.n1'],
  ],
  [
    'the same occasion after ten minutes makes another Event',
    [
      [0, {}],
      [10 * minute, {}],
    ],
    ['web.n0', 'web.n1'],
  ],
  [
    'the same occasion every five minutes is one Event for hours',
    [[0, {}], ...[...Array(30).keys()].map((i) => [(i + 1) * 5 * minute, {}] as const)],
    ['web.n0', ...Array(30).fill('counted')],
  ],
])('%s', (_name, steps, expected) => {
  expect(play(steps)).toEqual(expected)
})

test('an Event that was deleted is created again at the next occasion', () => {
  const series = new EventSeries('pod-1')
  const write = series.note(occasion, 0, 'a')
  if (write !== undefined) series.forget(write)
  expect(short(series.note(occasion, 1, 'b'))).toBe('web.b')
})

test('forgetting an Event does not forget the one that followed it', () => {
  const series = new EventSeries('pod-1')
  const earlier = series.note(occasion, 0, 'a')
  series.note({ ...occasion, note: 'other' }, minute, 'b')
  if (earlier !== undefined) series.forget(earlier)
  expect(series.note({ ...occasion, note: 'other' }, minute + 1, 'c')).toBeUndefined()
})

test('series that are over are forgotten, and at most five thousand are remembered', () => {
  const series = new EventSeries('pod-1')
  const other = (i: number) => ({ ...occasion, reason: `r${i}` })
  for (let i = 0; i < 5000; i++) series.note(other(i), 0, `${i}`)
  expect(series.note(other(5000), 0, 'x')).toBeUndefined()
  expect(series.due(11 * minute)).toEqual([])
  expect(series.note(other(5000), 11 * minute, 'x')).toBeDefined()
})

test('a long note is cut to 1,024 octets, between characters', () => {
  const write = new EventSeries('pod-1').note({ ...occasion, note: 'ü'.repeat(1000) }, 0, 'a')
  const note = String(write?.do === 'create' ? write.event['note'] : '')
  expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1024)
  expect(note).toMatch(/^ü{500,}…$/)
})

test.each([
  '-',
  '.',
])('an Event about an object whose name has to be cut at %j has a name that Kubernetes takes', (char) => {
  const regarding = { ...occasion.regarding, name: `${'a'.repeat(219)}${char}${'b'.repeat(30)}` }
  const name = short(new EventSeries('pod-1').note({ ...occasion, regarding }, 0, 'c0ffee'))
  expect(name).toMatch(new RegExp(objectName.pattern))
})
