/** Who has heard more: any kind newer counts, and what can not be read says nothing. */
import { expect, test } from 'vitest'
import { heardMore, printHeard } from '../../../../operator/cluster/watch/heard.ts'

const ours = { RelayCredential: '90', RelayPolicy: '100' }

test.each<[string, string | undefined, boolean]>([
  ['nobody wrote how far', undefined, false],
  ['the same', printHeard(ours), false],
  ['less', printHeard({ RelayCredential: '89', RelayPolicy: '9' }), false],
  ['more of one kind and less of another', printHeard({ RelayCredential: '91', RelayPolicy: '2' }), true],
  ['more, in numbers beyond 2^53', printHeard({ RelayPolicy: '99999999999999999999' }), true],
  ['a kind that we do not hear of', printHeard({ 'RelayPolicy mail': '500' }), false],
  ['no JSON', '{', false],
  ['JSON of another sort', '[1, null]', false],
  ['null', 'null', false],
  ['versions that are no text', '{"RelayPolicy": 500}', false],
])('%s', (_name, written, expected) => {
  expect(heardMore(written, ours)).toBe(expected)
})

test('is written in one order, whoever heard it', () => {
  expect(printHeard({ b: '2', a: '1' })).toBe(printHeard({ a: '1', b: '2' }))
})
