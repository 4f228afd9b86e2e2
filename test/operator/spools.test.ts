/** Which spool each relay had: another one is told until it is back, or a person lets it go (case S30). */
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
    ['the first spool is no news', [], [sees('a-0', 'x')], [], [had('a-0', 'x')]],
    ['the same again', [had('a-0', 'x')], [sees('a-0', 'x')], [], [had('a-0', 'x')]],
    ['another one is not forgiven by itself', [had('a-0', 'x')], [sees('a-0', 'y')], [], [had('a-0', 'x', 'y')]],
    ['who does not answer changes nothing', [had('a-0', 'x', 'y')], [sees('a-0')], [], [had('a-0', 'x', 'y')]],
    [
      'nor does who is not there',
      [had('a-0', 'x'), had('a-1', 'z')],
      [sees('a-0', 'x')],
      [],
      [had('a-0', 'x'), had('a-1', 'z')],
    ],
    ['the old one is back', [had('a-0', 'x', 'y')], [sees('a-0', 'x')], [], [had('a-0', 'x')]],
    ['a third one', [had('a-0', 'x', 'y')], [sees('a-0', 'z')], [], [had('a-0', 'x', 'z')]],
    ['a person said yes', [had('a-0', 'x', 'y')], [sees('a-0', 'y')], ['y'], [had('a-0', 'y')]],
    ['before it answers again', [had('a-0', 'x', 'y')], [], ['y'], [had('a-0', 'y')]],
    ['to another one', [had('a-0', 'x', 'z')], [sees('a-0', 'z')], ['y'], [had('a-0', 'x', 'z')]],
    [
      'who left is missed still',
      [left('a-1', 'x', 'y')],
      [sees('a-0', 'z')],
      [],
      [had('a-0', 'z'), left('a-1', 'x', 'y')],
    ],
    ['who left is back, without it', [left('a-1', 'x', 'y')], [sees('a-1', 'y')], [], [had('a-1', 'x', 'y')]],
    ['who left is back, with it', [left('a-1', 'x', 'y')], [sees('a-1', 'x')], [], [had('a-1', 'x')]],
    ['a person said yes when it had left', [left('a-1', 'x', 'y')], [], ['y'], []],
    ['a yes to come is none to the next', [had('a-0', 'y')], [sees('a-0', 'z')], ['y'], [had('a-0', 'y', 'z')]],
  ],
)('%s', (_name, before, seen, accepted, after) => {
  expect(spoolsNow(before, seen, accepted)).toEqual(after)
})

test.each<[string, readonly SpoolRecord[], RegExp]>([
  ['all is well', [had('a-0', 'x'), had('a-1', 'y')], /^absent$/],
  [
    'one was replaced',
    [had('a-0', 'x', 'n'), had('a-1', 'y')],
    /^True SpoolReplaced: .*a-0 has spool n in place of x \(claim data-a-0\).*accept-spool=n$/,
  ],
  ['two were', [had('a-0', 'x', 'n'), had('a-1', 'y', 'm')], /^True SpoolReplaced: .*a-1 has.*accept-spool=n,m$/],
  [
    'one that left was',
    [left('a-1', 'x', 'n')],
    /^True SpoolReplaced: .*a-1 had spool n in place of x .*accept-spool=n$/,
  ],
  ['they have one another’s', [had('a-0', 'x', 'y'), had('a-1', 'y', 'x')], /^True SpoolsExchanged: /],
])('%s', (_name, records, says) => {
  expect(told(records)).toMatch(says)
})

test('a relay that leaves with no mail is forgotten, but for what it had lost, and then counted on no more', () => {
  expect(afterLeaving(had('a-1', 'x'))).toEqual([])
  expect(afterLeaving(had('a-1', 'x', 'y'))).toEqual([left('a-1', 'x', 'y')])
  expect(mayHoldMail([had('a-0', 'x'), had('a-1', 'y', 'z'), left('a-2', 'v', 'w')])).toEqual(['a-0', 'a-1'])
})

test('what stands in a status is taken for what it is', () => {
  expect(spoolsIn(undefined)).toEqual([])
  expect(spoolsIn({ spools: 'many' })).toEqual([])
  expect(spoolsIn({ spools: [null, {}, { name: 'a-0' }, had('a-0', 'x')] })).toEqual([had('a-0', 'x')])
})
