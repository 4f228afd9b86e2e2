/** The history checker itself: each way in which a relay could fail is seen. */
import { expect, test } from 'vitest'
import { check, type Seen, type Sent } from './history.ts'

const message = (more: Partial<Sent> = {}): Sent => ({
  digest: 'd1',
  acknowledged: true,
  deliverable: ['a@x.test'],
  undeliverable: [],
  ...more,
})
const arrival = (more: Partial<Seen> = {}): Seen => ({
  id: 'm1',
  digest: 'd1',
  reversePath: 'app@corp.test',
  forwardPaths: ['a@x.test'],
  ...more,
})
const dsn = arrival({ reversePath: '', forwardPaths: ['app@corp.test'], digest: 'other' })

test.each([
  ['delivered once', message(), [arrival()], {}],
  ['lost', message(), [], { lost: ['m1 a@x.test'], delivered: 0 }],
  [
    'not acknowledged and gone is nobody’s loss',
    message({ acknowledged: false }),
    [],
    { delivered: 0, acknowledged: 0 },
  ],
  [
    'not acknowledged and delivered',
    message({ acknowledged: false }),
    [arrival()],
    { unacknowledgedDelivered: 1, acknowledged: 0 },
  ],
  ['twice', message(), [arrival(), arrival()], { duplicates: 1 }],
  [
    'one of two recipients is missing',
    message({ deliverable: ['a@x.test', 'b@x.test'] }),
    [arrival()],
    { lost: ['m1 b@x.test'] },
  ],
  [
    'each recipient on its own',
    message({ deliverable: ['a@x.test', 'b@x.test'] }),
    [arrival(), arrival({ forwardPaths: ['b@x.test'] })],
    { delivered: 2 },
  ],
  ['cut off', message(), [arrival({ digest: 'd2' })], { damaged: ['m1 a@x.test'] }],
  [
    'to somebody else',
    message(),
    [arrival(), arrival({ forwardPaths: ['c@x.test'] })],
    { invented: ['m1 c@x.test'], delivered: 2 },
  ],
  [
    'never sent',
    message(),
    [arrival(), arrival({ id: 'm2' })],
    { invented: ['m2 a@x.test'], damaged: ['m2 a@x.test'], delivered: 2 },
  ],
  ['refused and reported', message({ undeliverable: ['550.b@x.test'] }), [arrival(), dsn], { reported: 1 }],
  ['refused and not reported', message({ undeliverable: ['550.b@x.test'] }), [arrival()], { lost: ['m1 (no DSN)'] }],
  [
    'reported twice',
    message({ undeliverable: ['550.b@x.test'] }),
    [arrival(), dsn, dsn],
    { reported: 1, duplicateReports: 1 },
  ],
  ['reported and delivered', message(), [arrival(), dsn], { reported: 1, invented: ['m1 (DSN)'] }],
] as const)('%s', (_name, sent, seen, expected) => {
  expect(check(new Map([['m1', sent]]), seen)).toEqual({
    acknowledged: 1,
    delivered: 1,
    reported: 0,
    lost: [],
    invented: [],
    damaged: [],
    duplicates: 0,
    duplicateReports: 0,
    unacknowledgedDelivered: 0,
    ...expected,
  })
})
