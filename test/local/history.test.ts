/** The checker of histories sees each way in which a relay could fail. */
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
  ['a message that arrives once is delivered', message(), [arrival()], {}],
  ['an acknowledged message that does not arrive is lost', message(), [], { lost: ['m1 a@x.test'], delivered: 0 }],
  [
    'a message that was not acknowledged may be gone',
    message({ acknowledged: false }),
    [],
    { delivered: 0, acknowledged: 0 },
  ],
  [
    'a message that was not acknowledged may arrive, and is counted',
    message({ acknowledged: false }),
    [arrival()],
    { unacknowledgedDelivered: 1, acknowledged: 0 },
  ],
  ['a message that arrives twice is a duplicate', message(), [arrival(), arrival()], { duplicates: 1 }],
  [
    'a message that arrives at one of two recipients is lost for the other',
    message({ deliverable: ['a@x.test', 'b@x.test'] }),
    [arrival()],
    { lost: ['m1 b@x.test'] },
  ],
  [
    'a message may arrive at each of its recipients in a copy of its own',
    message({ deliverable: ['a@x.test', 'b@x.test'] }),
    [arrival(), arrival({ forwardPaths: ['b@x.test'] })],
    { delivered: 2 },
  ],
  [
    'a message with other octets than were sent is damaged',
    message(),
    [arrival({ digest: 'd2' })],
    { damaged: ['m1 a@x.test'] },
  ],
  [
    'an arrival at somebody who is no recipient is invented',
    message(),
    [arrival(), arrival({ forwardPaths: ['c@x.test'] })],
    { invented: ['m1 c@x.test'], delivered: 2 },
  ],
  [
    'an arrival of a message that was never sent is invented and damaged',
    message(),
    [arrival(), arrival({ id: 'm2' })],
    { invented: ['m2 a@x.test'], damaged: ['m2 a@x.test'], delivered: 2 },
  ],
  [
    'a refused recipient that is in a DSN is reported',
    message({ undeliverable: ['550.b@x.test'] }),
    [arrival(), dsn],
    { reported: 1 },
  ],
  [
    'a refused recipient that is in no DSN is lost',
    message({ undeliverable: ['550.b@x.test'] }),
    [arrival()],
    { lost: ['m1 (no DSN)'] },
  ],
  [
    'a second DSN is a duplicate report',
    message({ undeliverable: ['550.b@x.test'] }),
    [arrival(), dsn, dsn],
    { reported: 1, duplicateReports: 1 },
  ],
  [
    'a DSN for a message whose recipients were all accepted is invented',
    message(),
    [arrival(), dsn],
    { reported: 1, invented: ['m1 (DSN)'] },
  ],
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
