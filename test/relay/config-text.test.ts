/** A configuration in parts is read whole, or not at all. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { joinText, splitText } from '../../relay/config-text.ts'

const joined = (files: ReadonlyMap<string, Buffer>): string =>
  joinText([...files.keys()], (name) => files.get(name) ?? Buffer.from('nobody asked for what is there'))

test('a text that fits into one file is relay.json itself', () => {
  expect([...splitText('{}\n', { maxBytes: 3 })]).toEqual([['relay.json', Buffer.from('{}\n')]])
})

test('any text that was split into parts of any size is joined to the same text, and no part is too long', () => {
  const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.array(fc.string()).map(named))
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 9 }), (text, maxBytes, mostParts) => {
      const files = splitText(text, { maxBytes, mostParts })
      const parts = [...files].filter(([name]) => name !== 'relay.json.index')
      expect(parts.every(([, part]) => part.length <= maxBytes)).toBe(true)
      expect(joined(files)).toBe(Buffer.from(text).toString())
      // The order matters: the configuration is there as soon as its index is, so that comes last.
      if (files.size > 1) expect([...files.keys()].at(-1)).toBe('relay.json.index')
    }),
  )
})

const named = (names: readonly string[]): string => names.map((name) => `{\n "name": "${name}",\n "x": 1\n}\n`).join('')
const team = (i: number): string => `team-${i}/web`
const teams = Array.from({ length: 2000 }, (_, i) => team(i))
const bounds = { maxBytes: 10_000, mostParts: 12 }

test.each<[string, (names: string[]) => void]>([
  ['one name more', (names) => names.splice(700, 0, 'another/one')],
  ['one name less', (names) => names.splice(1300, 1)],
  ['another name', (names) => names.splice(5, 1, 'another/one')],
  ['a longer name', (names) => names.splice(1990, 1, 'x'.repeat(300))],
])('%s leaves nearly all parts as they are', (_name, change) => {
  const before = splitText(named(teams), bounds)
  const others = [...teams]
  change(others)
  const after = splitText(named(others), bounds)
  const isFew = (count: number): boolean => count > 0 && count <= 3
  expect(isFew([...after.keys()].filter((name) => !before.has(name)).length)).toBe(true)
  expect(before.size).toBeGreaterThan(6)
  expect(joined(after)).toBe(named(others))
})

test('a text has no more parts than were asked for, if it fits into them', () => {
  for (let count = 500; count <= 2000; count += 50) {
    const text = named(teams.slice(0, count))
    const parts = splitText(text, bounds).size - 1
    expect(parts, `${count} names`).toBeLessThanOrEqual(Math.max(12, Math.ceil(text.length / bounds.maxBytes)))
  }
})

const textOf = (mark: string, parts: number): string =>
  Array.from({ length: parts }, (_, i) => `${mark} ${i}`.padEnd(10, '.')).join('')
const before = splitText(textOf('before', 3), { maxBytes: 10 })
const after = splitText(textOf('after', 4), { maxBytes: 10 })
const file = (files: ReadonlyMap<string, Buffer>, i: number) => [...files].slice(i, i + 1)

test('until the new index is written the text of before is read; with an index whose parts are not all there, none is', () => {
  const [index] = [...after].slice(-1)
  for (let written = 1; written < after.size; written++) {
    expect(joined(new Map([...before, ...[...after].slice(0, written)]))).toBe(textOf('before', 3))
    const tooEarly = new Map([...before, ...[...after].slice(0, written - 1), index ?? ['', Buffer.alloc(0)]])
    expect(() => joined(tooEarly), `after ${written} parts`).toThrow('not all of one configuration yet')
  }
})

test('parts that are left of another text do no harm', () => {
  expect(joined(new Map([...file(after, 2), ...before]))).toBe(textOf('before', 3))
  expect(joined(new Map([...before, ...splitText('short', { maxBytes: 10 })]))).toBe('short')
})

test('a part that was changed is noticed, and so is an index', () => {
  const [[first = '']] = file(before, 0) as [[string, Buffer]]
  expect(() => joined(new Map([...before, [first, Buffer.from('before 0..')]]))).not.toThrow()
  expect(() => joined(new Map([...before, [first, Buffer.from('befOre 0..')]]))).toThrow('not all of one')
  for (const index of ['', 'x', `${'0'.repeat(64)}\n${first}`, '../relay.json']) {
    expect(() => joined(new Map([...before, ['relay.json.index', Buffer.from(index)]]))).toThrow('not all of one')
  }
})

test('files of other names are no part of a configuration', () => {
  const names = ['relay.json.tmp', '..data', 'relay.json.part.0123456789abcdef', 'tls']
  expect(() => joinText(names, () => Buffer.from('{}'))).toThrow('there is no relay.json')
})
