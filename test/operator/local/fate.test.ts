/** What has become of a message is read from the log lines of its relay. */
import { expect, test } from 'vitest'
import { fateOf } from '../../../operator/local/fate.ts'

const line = (fields: object): string => JSON.stringify({ level: 30, ...fields })
const attempt = (outcome: string, code: number, forwardPath = 'a', queueId = 'q1') =>
  line({
    msg: 'delivery attempted',
    queueId,
    forwardPath,
    outcome,
    code,
    status: `${Math.trunc(code / 100)}.0.0`,
    text: 'x',
  })

test.each([
  ['without a line the fate is unknown', [], { kind: 'unknown' }],
  ['a captured message is captured', [line({ msg: 'captured', queueId: 'q1' })], { kind: 'captured' }],
  ['a line of another message says nothing of this one', [attempt('delivered', 250, 'a', 'q11')], { kind: 'unknown' }],
  [
    'a message with a deferred attempt is deferred',
    [attempt('deferred', 450)],
    { kind: 'deferred', reply: '450 4.0.0 x' },
  ],
  [
    'a message that is kept without an attempt is deferred',
    [line({ msg: 'deferred', queueId: 'q1', forwardPath: 'a', reply: '451 4.7.5 no key' })],
    { kind: 'deferred', reply: '451 4.7.5 no key' },
  ],
  [
    'a message that is delivered after a deferral is delivered',
    [attempt('deferred', 450), attempt('delivered', 250)],
    { kind: 'delivered', reply: '250 2.0.0 x' },
  ],
  [
    'a message whose connection was lost after the dot is deferred',
    [attempt('ambiguous', 451)],
    { kind: 'deferred', reply: '451 4.0.0 x' },
  ],
  [
    'a message of which one of two recipients bounced is bounced',
    [attempt('bounced', 550, 'b'), attempt('delivered', 250)],
    { kind: 'bounced', reply: '550 5.0.0 x' },
  ],
  [
    'a message that expired is bounced',
    [line({ msg: 'bounced', queueId: 'q1', forwardPath: 'a', reply: '550 5.4.7 expired' })],
    { kind: 'bounced', reply: '550 5.4.7 expired' },
  ],
  ['a line that is no JSON is passed over', ['q1 {', line({ msg: 'captured', queueId: 'q1' })], { kind: 'captured' }],
])('%s', (_name, lines, fate) => {
  expect(fateOf('q1', lines, true)).toEqual(fate)
})

const accepted = (...forwardPaths: readonly string[]) => line({ msg: 'accepted', queueId: 'q1', forwardPaths })
const kept = (forwardPath = 'a') => line({ msg: 'deferred', queueId: 'q1', forwardPath, reply: '451 4.0.0 x' })

test.each([
  ['one is delivered and the other under way: not known yet', [attempt('delivered', 250)], 'unknown', 'unknown'],
  ['both are delivered', [attempt('delivered', 250), attempt('delivered', 250, 'b')], 'delivered', 'delivered'],
  [
    'one is delivered and one refused: bounced',
    [attempt('delivered', 250), attempt('bounced', 550, 'b')],
    'bounced',
    'bounced',
  ],
  [
    'one smarthost deferred it and another may take it: not known yet',
    [attempt('deferred', 451)],
    'unknown',
    'deferred',
  ],
  [
    'every smarthost deferred it: deferred',
    [attempt('deferred', 451), attempt('deferred', 451), kept()],
    'deferred',
    'deferred',
  ],
  ['nobody was asked for one, and the other is under way: deferred', [kept('b')], 'deferred', 'deferred'],
  [
    'one is delivered and one deferred: deferred',
    [attempt('delivered', 250), attempt('deferred', 450, 'b'), kept('b')],
    'deferred',
    'deferred',
  ],
] as const)('of two recipients, %s', (_name, lines, fate, atEnd) => {
  const all = [accepted('a', 'b'), ...lines]
  expect([fateOf('q1', all).kind, fateOf('q1', all, true).kind]).toEqual([fate, atEnd])
})

test.each([
  ['delivered', 250],
  ['deferred', 451],
] as const)('an attempt that is logged before the acceptance decides nothing, since the message may have two recipients (%s)', (outcome, code) => {
  const first = attempt(outcome, code)
  expect(fateOf('q1', [first]).kind).toBe('unknown')
  expect(fateOf('q1', [first, accepted('a', 'b')]).kind).toBe('unknown')
  const other = [
    attempt('bounced', 550, 'b'),
    line({ msg: 'bounced', queueId: 'q1', forwardPath: 'b', reply: '550 x' }),
  ]
  expect(fateOf('q1', [first, accepted('a', 'b'), ...other]).kind).toBe('bounced')
})

test('where two recipients are masked alike in the log and one bounced, the fate is bounced', () => {
  const masked = 'u***@x.test'
  const lines = [accepted(masked, masked), attempt('bounced', 550, masked), attempt('delivered', 250, masked)]
  expect(fateOf('q1', lines)).toMatchObject({ kind: 'bounced' })
})
