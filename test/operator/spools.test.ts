/** A relay that comes with another spool than it had is reported until the old spool is back or a person accepts the new one (case S30). */
import { expect, test } from 'vitest'
import { afterLeaving, mayHoldMail, type SpoolRecord, spoolReset, spoolsIn, spoolsNow } from '../../operator/spools.ts'

const had = (name: string, id: string, found?: string): SpoolRecord => ({
  name,
  id,
  ...(found !== undefined && { found }),
})
const left = (name: string, id: string, found: string): SpoolRecord => ({ ...had(name, id, found), left: true })
const sees = (name: string, id?: string) => ({ name, id })
const told = (records: readonly SpoolRecord[]): string => {
  const { status, reason, message } = spoolReset(records, (name) => `claim data-${name}`) ?? {}
  return status === undefined ? 'absent' : `${status} ${reason}: ${message}`
}

test.each<[string, readonly SpoolRecord[], Parameters<typeof spoolsNow>[1], readonly string[], readonly SpoolRecord[]]>(
  [
    ['a first spool is recorded and not reported', [], [sees('a-0', 'x')], [], [had('a-0', 'x')]],
    ['the same spool again changes nothing', [had('a-0', 'x')], [sees('a-0', 'x')], [], [had('a-0', 'x')]],
    [
      'another spool is recorded as found, and stays so',
      [had('a-0', 'x')],
      [sees('a-0', 'y')],
      [],
      [had('a-0', 'x', 'y')],
    ],
    ['a relay that does not answer changes nothing', [had('a-0', 'x', 'y')], [sees('a-0')], [], [had('a-0', 'x', 'y')]],
    [
      'a relay that is not there changes nothing',
      [had('a-0', 'x'), had('a-1', 'z')],
      [sees('a-0', 'x')],
      [],
      [had('a-0', 'x'), had('a-1', 'z')],
    ],
    [
      'once the old spool is back, the other one is forgotten',
      [had('a-0', 'x', 'y')],
      [sees('a-0', 'x')],
      [],
      [had('a-0', 'x')],
    ],
    [
      'a third spool takes the place of the second as found',
      [had('a-0', 'x', 'y')],
      [sees('a-0', 'z')],
      [],
      [had('a-0', 'x', 'z')],
    ],
    [
      'a spool that a person accepts becomes the known one',
      [had('a-0', 'x', 'y')],
      [sees('a-0', 'y')],
      ['y'],
      [had('a-0', 'y')],
    ],
    ['a spool is accepted also while its relay does not answer', [had('a-0', 'x', 'y')], [], ['y'], [had('a-0', 'y')]],
    [
      'accepting one spool does not accept another one',
      [had('a-0', 'x', 'z')],
      [sees('a-0', 'z')],
      ['y'],
      [had('a-0', 'x', 'z')],
    ],
    [
      'the lost spool of a relay that has left stays recorded',
      [left('a-1', 'x', 'y')],
      [sees('a-0', 'z')],
      [],
      [had('a-0', 'z'), left('a-1', 'x', 'y')],
    ],
    [
      'a relay that comes back without its lost spool is recorded as before',
      [left('a-1', 'x', 'y')],
      [sees('a-1', 'y')],
      [],
      [had('a-1', 'x', 'y')],
    ],
    [
      'a relay that comes back with its lost spool has lost nothing any more',
      [left('a-1', 'x', 'y')],
      [sees('a-1', 'x')],
      [],
      [had('a-1', 'x')],
    ],
    ['accepting the spool of a relay that has left forgets it', [left('a-1', 'x', 'y')], [], ['y'], []],
    [
      'a spool that was accepted before does not make the next one accepted',
      [had('a-0', 'y')],
      [sees('a-0', 'z')],
      ['y'],
      [had('a-0', 'y', 'z')],
    ],
  ],
)('%s', (_name, before, seen, accepted, after) => {
  expect(spoolsNow(before, seen, accepted)).toEqual(after)
})

test.each<[string, readonly SpoolRecord[], RegExp]>([
  ['with every spool known the condition is absent', [had('a-0', 'x'), had('a-1', 'y')], /^absent$/],
  [
    'a replaced spool is named, with the annotation that accepts it',
    [had('a-0', 'x', 'n'), had('a-1', 'y')],
    /^True SpoolReplaced: .*a-0 has spool n in place of x \(claim data-a-0\).*accept-spool=n$/,
  ],
  [
    'two replaced spools are accepted by one annotation',
    [had('a-0', 'x', 'n'), had('a-1', 'y', 'm')],
    /^True SpoolReplaced: .*a-1 has.*accept-spool=n,m$/,
  ],
  [
    'the replaced spool of a relay that has left is named too',
    [left('a-1', 'x', 'n')],
    /^True SpoolReplaced: .*a-1 had spool n in place of x .*accept-spool=n$/,
  ],
  [
    'two relays that have the spools of each other are reported as exchanged',
    [had('a-0', 'x', 'y'), had('a-1', 'y', 'x')],
    /^True SpoolsExchanged: /,
  ],
])('%s', (_name, records, says) => {
  expect(told(records)).toMatch(says)
})

test('a relay that leaves without mail is forgotten, unless it had lost a spool, which stays recorded and can hold no mail', () => {
  expect(afterLeaving(had('a-1', 'x'))).toEqual([])
  expect(afterLeaving(had('a-1', 'x', 'y'))).toEqual([left('a-1', 'x', 'y')])
  expect(mayHoldMail([had('a-0', 'x'), had('a-1', 'y', 'z'), left('a-2', 'v', 'w')])).toEqual(['a-0', 'a-1'])
})

test('of the spools in a status, entries of another form are ignored', () => {
  expect(spoolsIn(undefined)).toEqual([])
  expect(spoolsIn({ spools: 'many' })).toEqual([])
  expect(spoolsIn({ spools: [null, {}, { name: 'a-0' }, had('a-0', 'x')] })).toEqual([had('a-0', 'x')])
})
