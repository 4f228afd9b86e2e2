/** Ready is derived from the other conditions, and a condition's time changes only with its status. */
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
  ['Ready is True where every condition is True', [accepted, resolved, programmed], 'True', 'Ready'],
  ['Ready is True for a domain that has no condition but Accepted', [accepted], 'True', 'Ready'],
  [
    'of two conditions that are False, Accepted gives the reason before Programmed',
    [condition('Programmed', 'False'), condition('Accepted', 'False')],
    'False',
    'AcceptedFalse',
  ],
  [
    'a condition that is False gives the reason before one that is Unknown',
    [condition('Accepted', 'Unknown'), resolved, condition('Programmed', 'False')],
    'False',
    'ProgrammedFalse',
  ],
  [
    'Ready is Unknown while Programmed is',
    [accepted, resolved, condition('Programmed', 'Unknown')],
    'Unknown',
    'ProgrammedUnknown',
  ],
  [
    'what is suspended is not ready',
    [accepted, resolved, programmed, condition('Suspended', 'True')],
    'False',
    'SuspendedTrue',
  ],
  [
    'a domain with a missing record is not ready',
    [accepted, condition('DKIMValid', 'False', 'RecordMissing')],
    'False',
    'RecordMissing',
  ],
  [
    'a domain that is not signed may be ready, since that may be meant',
    [accepted, condition('DKIMValid', 'False', 'NotSigned')],
    'True',
    'Ready',
  ],
  [
    'Suspended=False does not stand against Ready',
    [accepted, resolved, programmed, condition('Suspended', 'False')],
    'True',
    'Ready',
  ],
] as const)('%s', (_name, found, status, reason) => {
  expect(deriveReady(found)).toMatchObject({ type: 'Ready', status, reason })
})

test('a condition has the time of its last change of status, and is dropped when it is no longer found', () => {
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

test.each([
  ['whose own fields are wrong is Stalled', 'Invalid', ['Accepted', 'Stalled', 'Ready']],
  ['whose hostname is that of another Service is Stalled', 'HostnameNotItsOwn', ['Accepted', 'Stalled', 'Ready']],
  ['whose policy may still come is not Stalled', 'PolicyNotFound', ['Accepted', 'Ready']],
  ['whose domain an older one has is not Stalled, since that may go', 'Conflicted', ['Accepted', 'Ready']],
])('an object %s', (_name, reason, types) => {
  const wrong = condition('Accepted', 'False', reason)
  const merged = mergeConditions([], [wrong], 1, 't1')
  expect(merged.map((c) => c.type)).toEqual(types)
  for (const { type, message } of merged) if (type === 'Stalled') expect(message).toBe(wrong.message)
  const again = mergeConditions(merged, merged, 1, 't2')
  expect(again, 'what is derived is not derived twice').toEqual(merged)
  const mended = mergeConditions(merged, [accepted, ...merged.slice(1)], 2, 't2')
  expect(mended.map((c) => `${c.type} ${c.status}`)).toEqual(['Accepted True', 'Ready True'])
})

test('merging the same findings again changes nothing, so that an idle operator writes nothing', () => {
  const once = mergeConditions([], [accepted, resolved, programmed], 3, 't1')
  expect(mergeConditions(once, [accepted, resolved, programmed], 3, 't2')).toEqual(once)
})

test('the field of a finding, which the command line prints, is not in the status', () => {
  const [merged] = mergeConditions([], [{ ...accepted, field: 'spec' } as Condition], 1, 't1')
  expect(merged).not.toHaveProperty('field')
})

test('a certificate that has ended or is not valid yet stands against Ready, and one that only ends soon does not', () => {
  const ready = (reason: string) =>
    deriveReady([{ type: 'CertificateValid', status: 'False', reason, message: reason }]).status
  expect(ready('CertificateExpired')).toBe('False')
  expect(ready('CertificateNotYetValid')).toBe('False')
  expect(ready('CertificateExpiresSoon')).toBe('True')
})
