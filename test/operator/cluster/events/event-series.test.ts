/** How often something is told that happens again and again. */
import { expect, test } from 'vitest'
import { objectName } from '../../../../crds/fields.ts'
import { EventSeries, type EventWrite, type Occasion } from '../../../../operator/cluster/events/event-series.ts'

const minute = 60_000
const occasion: Occasion = {
  regarding: {
    apiVersion: 'relayfleet.dev/v1alpha1',
    kind: 'RelayCredential',
    namespace: 'shop',
    name: 'web',
    uid: 'u1',
  },
  type: 'Warning',
  reason: 'SecretRepaired',
  action: 'Apply',
  note: 'Secret smtp was damaged and is repaired',
}
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
  ['the first time makes an Event', [[0, {}]], ['web.n0']],
  [
    'the same again is counted',
    [
      [0, {}],
      [1, {}],
      [2, {}],
      [minute, 'due'],
    ],
    ['web.n0', 'counted', 'counted', ['web.n0 x3']],
  ],
  [
    'but not at once',
    [
      [0, {}],
      [1, {}],
      [minute - 1, 'due'],
    ],
    ['web.n0', 'counted', []],
  ],
  [
    'each count is told once',
    [
      [0, {}],
      [1, {}],
      [minute, 'due'],
      [3 * minute, 'due'],
    ],
    ['web.n0', 'counted', ['web.n0 x2'], []],
  ],
  [
    'another reason is another Event',
    [
      [0, {}],
      [1, { reason: 'Other' }],
    ],
    ['web.n0', 'web.n1'],
  ],
  [
    'another type is another Event',
    [
      [0, {}],
      [1, { type: 'Normal' }],
    ],
    ['web.n0', 'web.n1'],
  ],
  [
    'another object is another Event',
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
    'another wording later is another Event',
    [
      [0, {}],
      [minute, { note: 'other' }],
    ],
    ['web.n0', 'web.n1'],
  ],
  [
    'after a long pause it is a new Event',
    [
      [0, {}],
      [10 * minute, {}],
    ],
    ['web.n0', 'web.n1'],
  ],
  [
    'without a pause it is one for hours',
    [[0, {}], ...[...Array(30).keys()].map((i) => [(i + 1) * 5 * minute, {}] as const)],
    ['web.n0', ...Array(30).fill('counted')],
  ],
])('%s', (_name, steps, expected) => {
  expect(play(steps)).toEqual(expected)
})

test('an Event that is gone is made anew', () => {
  const series = new EventSeries('pod-1')
  const write = series.note(occasion, 0, 'a')
  if (write !== undefined) series.forget(write)
  expect(short(series.note(occasion, 1, 'b'))).toBe('web.b')
})

test('an Event that another one has followed takes that one with it no more', () => {
  const series = new EventSeries('pod-1')
  const earlier = series.note(occasion, 0, 'a')
  series.note({ ...occasion, note: 'other' }, minute, 'b')
  if (earlier !== undefined) series.forget(earlier)
  expect(series.note({ ...occasion, note: 'other' }, minute + 1, 'c')).toBeUndefined()
})

test('what is over is forgotten, and there is an end to how much is remembered', () => {
  const series = new EventSeries('pod-1')
  const other = (i: number) => ({ ...occasion, reason: `r${i}` })
  for (let i = 0; i < 5000; i++) series.note(other(i), 0, `${i}`)
  expect(series.note(other(5000), 0, 'x')).toBeUndefined()
  expect(series.due(11 * minute)).toEqual([])
  expect(series.note(other(5000), 11 * minute, 'x')).toBeDefined()
})

test('a long note keeps to the limit, in whole characters', () => {
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
