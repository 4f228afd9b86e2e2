/** A configuration in parts is read whole, or not at all. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { joinText, splitText } from '../../relay/config-text.ts'

const joined = (files: ReadonlyMap<string, Buffer>): string =>
  joinText([...files.keys()], (name) => files.get(name) ?? Buffer.from('nobody asked for what is there'))

test('a text that fits is relay.json itself', () => {
  expect([...splitText('{}\n', 3)]).toEqual([['relay.json', Buffer.from('{}\n')]])
})

test('any text comes back from parts of any size, and no part is too long', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 20 }), (text, maxBytes) => {
      const parts = splitText(text, maxBytes)
      expect([...parts.values()].every((part) => part.length <= maxBytes)).toBe(true)
      expect(joined(parts)).toBe(Buffer.from(text).toString())
    }),
  )
})

const before = splitText('the configuration before', 10)
const after = splitText('the configuration after that one', 10)
const at = (parts: ReadonlyMap<string, Buffer>, i: number) => [...parts].slice(i, i + 1)

test('a write that was interrupted after any part is no configuration', () => {
  for (let written = 1; written < after.size; written++) {
    const mixed = new Map([...[...after].slice(0, written), ...[...before].slice(written)])
    expect(() => joined(mixed), `after ${written} parts`).toThrow('not all of one configuration yet')
  }
})

test('what remains of a longer one beside a whole one does no harm', () => {
  expect(joined(new Map([...before, ...at(after, 3)]))).toBe('the configuration before')
  expect(joined(new Map([...splitText('short', 10), ...at(after, 1)]))).toBe('short')
})

test('a part that was changed is found out', () => {
  const [[first = '']] = at(before, 0) as [[string, Buffer]]
  expect(() => joined(new Map([...before, [first, Buffer.from('the config')]]))).not.toThrow()
  expect(() => joined(new Map([...before, [first, Buffer.from('thE config')]]))).toThrow('not all of one')
})

test('files of other names are none of it', () => {
  const names = ['relay.json.tmp', '..data', 'relay.json.0-of-1.xyz', 'tls']
  expect(() => joinText(names, () => Buffer.from('{}'))).toThrow('there is no relay.json')
})
