/** Parts of a configuration find Secrets so that after each write a whole one is there, the one before or the one after. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { placed } from '../../../../operator/cluster/fleets/config-places.ts'
import { joinText, splitText } from '../../../../relay/config-text.ts'

const names = ['0', '1', '2', '3', '4', '5', '6', '7']
type Files = ReadonlyMap<string, Buffer>
type Secrets = ReadonlyMap<string, Files>

const filesOf = (text: string, bytes: number): Files => splitText(text, { maxBytes: bytes })
const held = (secrets: Secrets) => new Map([...secrets].map(([name, files]) => [name, [...files.keys()]]))
const read = (secrets: Secrets): string => {
  const files: Files = new Map([...secrets.values()].flatMap((f) => [...f]))
  return joinText([...files.keys()], (name) => files.get(name) ?? Buffer.alloc(0))
}

/** What is there after each of the writes; the last one is what stays. */
function* written(files: Files, before: Secrets): Generator<Secrets> {
  const { write, surplus } = placed([...files.keys()], held(before), names)
  const now = new Map(before)
  for (const { key, name } of write) yield new Map(now.set(name, new Map([[key, files.get(key) ?? Buffer.alloc(0)]])))
  for (const name of surplus) {
    now.delete(name)
    yield new Map(now)
  }
}
const after = (files: Files, before: Secrets): Secrets => [...written(files, before)].at(-1) ?? before

/** Of so many parts of ten characters, none of which is like another one. */
const text = (count: number, mark: string): string =>
  Array.from({ length: count }, (_, i) => `${mark}-${i}`.padEnd(10, 'x')).join('')
/** How many Secrets that takes. */
const taken = (count: number): number => (count === 1 ? 1 : count + 1)

test('into nothing, in the order of the names', () => {
  expect(placed(['relay.json'], new Map(), names)).toEqual({ write: [{ key: 'relay.json', name: '0' }], surplus: [] })
  const [one, two, index] = [...filesOf(text(2, 'a'), 10).keys()]
  expect(placed([one ?? '', two ?? '', index ?? ''], new Map(), names).write).toEqual([
    { key: one, name: '1' },
    { key: two, name: '2' },
    { key: index, name: '0' },
  ])
})

test.each([
  ['in one piece over the one that is there', ['relay.json'], 'relay.json'],
  ['in one piece over the index', ['relay.json'], 'relay.json.index'],
  ['an index over what was in one piece', ['relay.json.part.1', 'relay.json.index'], 'relay.json'],
])('%s: two of them would be two configurations', (_name, keys, before) => {
  expect(placed(keys, new Map([['3', [before]]]), names).write.at(-1)).toEqual({ key: keys.at(-1), name: '3' })
})

test('what was emptied is filled again', () => {
  expect(placed(['relay.json'], new Map([['0', []]]), names)).toEqual({
    write: [{ key: 'relay.json', name: '0' }],
    surplus: [],
  })
})

test('a part that is there stays where it is, so that a write goes on where it was interrupted', () => {
  const parts = [...filesOf(text(3, 'a'), 10).keys()]
  const { write } = placed(parts, new Map([['5', [parts[1] ?? '']]]), names)
  expect(write).toContainEqual({ key: parts[1], name: '5' })
  expect(new Set(write.map((w) => w.name)).size).toBe(4)
})

test('names that are somebody else’s are left out, and too few are told', () => {
  const keys = [...filesOf(text(2, 'a'), 10).keys()]
  expect(placed(keys, new Map(), ['2', '4', '7']).write.map((w) => w.name)).toEqual(['4', '7', '2'])
  expect(() => placed(keys, new Map(), ['2', '4'])).toThrow('3 parts, and only 2 names are left')
  expect(() => placed(['relay.json'], new Map(), [])).toThrow('1 parts, and only 0 names are left')
})

const sizes = fc.integer({ min: 1, max: 7 })

test('one whole configuration is there after each write, where the parts of both find room', () => {
  fc.assert(
    fc.property(fc.array(sizes, { minLength: 2, maxLength: 6 }), (counts) => {
      let secrets: Secrets = new Map()
      let before: { text: string; taken: number } | undefined
      counts.forEach((count, i) => {
        const next = text(count, String(i))
        const files = filesOf(next, 10)
        // The head takes the place of the head before.
        const fits = before !== undefined && before.taken + taken(count) <= names.length + 1
        const states = [...written(files, secrets)]
        if (fits) for (const state of states) expect([before?.text, next]).toContain(read(state))
        secrets = states.at(-1) ?? secrets
        expect(read(secrets)).toBe(next)
        expect(secrets.size).toBe(taken(count))
        before = { text: next, taken: taken(count) }
      })
    }),
  )
})

test('whoever comes after a crash ends with the same, wherever it was', () => {
  fc.assert(
    fc.property(sizes, sizes, fc.nat(16), (from, to, crash) => {
      const before = after(filesOf(text(from, 'a'), 10), new Map())
      const files = filesOf(text(to, 'b'), 10)
      const there = [before, ...written(files, before)]
      const left = there[Math.min(crash, there.length - 1)] ?? before
      const mended = after(files, left)
      expect(read(mended)).toBe(text(to, 'b'))
      expect(mended.size).toBe(taken(to))
      expect([...written(files, mended)].every((s) => s.size === taken(to))).toBe(true)
    }),
  )
})
