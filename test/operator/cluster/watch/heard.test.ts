/** Another operator has heard more if it names a newer version of any kind, and what can not be read says nothing. */
import { expect, test } from 'vitest'
import { heardMore, printHeard } from '../../../../operator/cluster/watch/heard.ts'

const ours = { RelayCredential: '90', RelayPolicy: '100' }

test.each<[string, string | undefined, boolean]>([
  ['no text: not more', undefined, false],
  ['the same versions: not more', printHeard(ours), false],
  ['older versions: not more', printHeard({ RelayCredential: '89', RelayPolicy: '9' }), false],
  [
    'a newer version of one kind and an older one of another: more',
    printHeard({ RelayCredential: '91', RelayPolicy: '2' }),
    true,
  ],
  ['a newer version beyond 2^53: more', printHeard({ RelayPolicy: '99999999999999999999' }), true],
  ['a kind that we do not watch: not more', printHeard({ 'RelayPolicy mail': '500' }), false],
  ['text that is no JSON: not more', '{', false],
  ['JSON of another form: not more', '[1, null]', false],
  ['null: not more', 'null', false],
  ['versions that are no text: not more', '{"RelayPolicy": 500}', false],
])('%s', (_name, written, expected) => {
  expect(heardMore(written, ours)).toBe(expected)
})

test('the versions are printed in one order, whatever the order in which they were heard', () => {
  expect(printHeard({ b: '2', a: '1' })).toBe(printHeard({ a: '1', b: '2' }))
})
