/** The parts of a configuration are put into Secrets so that after each write a whole one is there, the earlier one or the new one. */
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

/** The Secrets after each of the writes. */
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

/** A text of `count` different parts of ten characters. */
const text = (count: number, mark: string): string =>
  Array.from({ length: count }, (_, i) => `${mark}-${i}`.padEnd(10, 'x')).join('')
/** How many Secrets a text of `count` parts takes: one for each, and one for the index of several. */
const taken = (count: number): number => (count === 1 ? 1 : count + 1)

test('where there is no Secret yet, the parts take the names in order, the index last and under the first name', () => {
  expect(placed(['relay.json'], new Map(), names)).toEqual({ write: [{ key: 'relay.json', name: '0' }], surplus: [] })
  const [one, two, index] = [...filesOf(text(2, 'a'), 10).keys()]
  expect(placed([one ?? '', two ?? '', index ?? ''], new Map(), names).write).toEqual([
    { key: one, name: '1' },
    { key: two, name: '2' },
    { key: index, name: '0' },
  ])
})

test.each([
  ['a configuration in one piece takes the Secret of the earlier one', ['relay.json'], 'relay.json'],
  ['a configuration in one piece takes the Secret of the earlier index', ['relay.json'], 'relay.json.index'],
  [
    'an index takes the Secret of the earlier configuration in one piece',
    ['relay.json.part.1', 'relay.json.index'],
    'relay.json',
  ],
])('%s, since both at once would be two configurations', (_name, keys, before) => {
  expect(placed(keys, new Map([['3', [before]]]), names).write.at(-1)).toEqual({ key: keys.at(-1), name: '3' })
})

test('a Secret that was emptied is filled again', () => {
  expect(placed(['relay.json'], new Map([['0', []]]), names)).toEqual({
    write: [{ key: 'relay.json', name: '0' }],
    surplus: [],
  })
})

test('a part that is there keeps its Secret, so that an interrupted write can go on', () => {
  const parts = [...filesOf(text(3, 'a'), 10).keys()]
  const { write } = placed(parts, new Map([['5', [parts[1] ?? '']]]), names)
  expect(write).toContainEqual({ key: parts[1], name: '5' })
  expect(new Set(write.map((w) => w.name)).size).toBe(4)
})

test('the parts take only names that are free, and too few names are an error', () => {
  const keys = [...filesOf(text(2, 'a'), 10).keys()]
  expect(placed(keys, new Map(), ['2', '4', '7']).write.map((w) => w.name)).toEqual(['4', '7', '2'])
  expect(() => placed(keys, new Map(), ['2', '4'])).toThrow('3 parts, and only 2 names are left')
  expect(() => placed(['relay.json'], new Map(), [])).toThrow('1 parts, and only 0 names are left')
})

const sizes = fc.integer({ min: 1, max: 7 })

test('after each write there is one whole configuration, if there are names enough for the parts of both', () => {
  fc.assert(
    fc.property(fc.array(sizes, { minLength: 2, maxLength: 6 }), (counts) => {
      let secrets: Secrets = new Map()
      let before: { text: string; taken: number } | undefined
      counts.forEach((count, i) => {
        const next = text(count, String(i))
        const files = filesOf(next, 10)
        // The index, or the only piece, takes the place of the earlier one.
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

test('after a crash at any write, the next try ends with the new configuration and nothing else', () => {
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
