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
  ['nothing yet', [], { kind: 'unknown' }],
  ['captured', [line({ msg: 'captured', queueId: 'q1' })], { kind: 'captured' }],
  ['another message', [attempt('delivered', 250, 'a', 'q11')], { kind: 'unknown' }],
  ['deferred', [attempt('deferred', 450)], { kind: 'deferred', reply: '450 4.0.0 x' }],
  [
    'deferred, then delivered',
    [attempt('deferred', 450), attempt('delivered', 250)],
    { kind: 'delivered', reply: '250 2.0.0 x' },
  ],
  ['lost after the dot', [attempt('ambiguous', 451)], { kind: 'deferred', reply: '451 4.0.0 x' }],
  [
    'one of two bounced',
    [attempt('bounced', 550, 'b'), attempt('delivered', 250)],
    { kind: 'bounced', reply: '550 5.0.0 x' },
  ],
  [
    'given up',
    [line({ msg: 'bounced', queueId: 'q1', forwardPath: 'a', reply: '550 5.4.7 expired' })],
    { kind: 'bounced', reply: '550 5.4.7 expired' },
  ],
  ['a line that is no JSON', ['q1 {', line({ msg: 'captured', queueId: 'q1' })], { kind: 'captured' }],
])('%s', (_name, lines, fate) => {
  expect(fateOf('q1', lines)).toEqual(fate)
})
