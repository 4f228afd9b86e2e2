/** Ready follows from the others, and a time moves only with a status. */
import { expect, test } from 'vitest'
import type { Condition } from '../../operator/compile/compiled.ts'
import { deriveReady, mergeConditions } from '../../operator/conditions.ts'

const condition = (type: string, status: Condition['status'], reason = `${type}${status}`): Condition => ({
  type,
  status,
  reason,
  message: `${type} is ${status}`,
})
const accepted = condition('Accepted', 'True')
const resolved = condition('ResolvedRefs', 'True')
const programmed = condition('Programmed', 'True')

test.each([
  ['all is well', [accepted, resolved, programmed], 'True', 'Ready'],
  ['a domain has only Accepted', [accepted], 'True', 'Ready'],
  [
    'the first False in the order of looking',
    [condition('Programmed', 'False'), condition('Accepted', 'False')],
    'False',
    'AcceptedFalse',
  ],
  [
    'False before Unknown',
    [condition('Accepted', 'Unknown'), resolved, condition('Programmed', 'False')],
    'False',
    'ProgrammedFalse',
  ],
  [
    'Unknown while something is open',
    [accepted, resolved, condition('Programmed', 'Unknown')],
    'Unknown',
    'ProgrammedUnknown',
  ],
  [
    'suspended is not ready',
    [accepted, resolved, programmed, condition('Suspended', 'True')],
    'False',
    'SuspendedTrue',
  ],
  [
    'a record that is missing is not ready',
    [accepted, condition('DKIMValid', 'False', 'RecordMissing')],
    'False',
    'RecordMissing',
  ],
  ['to sign nothing may be meant', [accepted, condition('DKIMValid', 'False', 'NotSigned')], 'True', 'Ready'],
  ['not suspended is no obstacle', [accepted, resolved, programmed, condition('Suspended', 'False')], 'True', 'Ready'],
] as const)('%s', (_name, found, status, reason) => {
  expect(deriveReady(found)).toMatchObject({ type: 'Ready', status, reason })
})

test('times: new now, unchanged before, changed now, gone when not found', () => {
  const first = mergeConditions(
    [],
    [accepted, condition('Programmed', 'Unknown'), condition('Suspended', 'True')],
    1,
    't1',
  )
  expect(first.map((c) => c.lastTransitionTime)).toEqual(['t1', 't1', 't1', 't1'])
  const second = mergeConditions(first, [accepted, { ...programmed, message: 'new' }], 2, 't2')
  expect(second.map((c) => [c.type, c.status, c.lastTransitionTime, c.observedGeneration])).toEqual([
    ['Accepted', 'True', 't1', 2],
    ['Programmed', 'True', 't2', 2],
    ['Ready', 'True', 't2', 2],
  ])
})

test('merging the same again changes nothing, so that an idle operator writes nothing', () => {
  const once = mergeConditions([], [accepted, resolved, programmed], 3, 't1')
  expect(mergeConditions(once, [accepted, resolved, programmed], 3, 't2')).toEqual(once)
})

test('a finding’s field is for people at a terminal, not for the status', () => {
  const [merged] = mergeConditions([], [{ ...accepted, field: 'spec' } as Condition], 1, 't1')
  expect(merged).not.toHaveProperty('field')
})

test('a certificate that is over, or not valid yet, is against it, and one that only ends soon is not', () => {
  const ready = (reason: string) =>
    deriveReady([{ type: 'CertificateValid', status: 'False', reason, message: reason }]).status
  expect(ready('CertificateExpired')).toBe('False')
  expect(ready('CertificateNotYetValid')).toBe('False')
  expect(ready('CertificateExpiresSoon')).toBe('True')
})
