/** Parts of a configuration find Secrets so that after each write a whole one is there, the one before or the one after. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { placed } from '../../../../operator/cluster/fleets/config-places.ts'
import { joinText, splitText } from '../../../../relay/config-text.ts'

const names = ['0', '1', '2', '3', '4', '5', '6', '7']
type Files = ReadonlyMap<string, Buffer>
type Secrets = ReadonlyMap<string, Files>

const filesOf = (text: string, bytes: number): Files => splitText(text, bytes)
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

const ten = 'x'.repeat(10)
const text = (count: number, mark: string): string => (mark + ten).slice(0, 10).repeat(count)

test('into nothing, in the order of the names', () => {
  expect(placed(['relay.json'], new Map(), names)).toEqual({ write: [{ key: 'relay.json', name: '0' }], surplus: [] })
  const parts = [...filesOf(text(3, 'a'), 10).keys()]
  expect(placed(parts, new Map(), names).write).toEqual(parts.map((key, i) => ({ key, name: names[i] })))
})

test('in one piece over the one that is there, which would be one file twice', () => {
  expect(placed(['relay.json'], new Map([['3', ['relay.json']]]), names).write).toEqual([
    { key: 'relay.json', name: '3' },
  ])
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
  expect(new Set(write.map((w) => w.name)).size).toBe(3)
})

test('names that are somebody else’s are left out, and too few are told', () => {
  const parts = [...filesOf(text(3, 'a'), 10).keys()]
  expect(placed(parts, new Map(), ['2', '4', '7']).write.map((w) => w.name)).toEqual(['2', '4', '7'])
  expect(() => placed(parts, new Map(), ['2', '4'])).toThrow('3 parts, and only 2 names are left')
  expect(() => placed(['relay.json'], new Map(), [])).toThrow('no name is left')
})

const sizes = fc.integer({ min: 1, max: 8 })

test('one whole configuration is there after each write, where both find room or one of them is in one piece', () => {
  fc.assert(
    fc.property(fc.array(sizes, { minLength: 2, maxLength: 6 }), (counts) => {
      let secrets: Secrets = new Map()
      let before: { text: string; parts: number } | undefined
      counts.forEach((count, i) => {
        const next = text(count, String(i))
        const files = filesOf(next, 10)
        const fits =
          before === undefined || count === 1 || before.parts === 1 || before.parts + count <= names.length + 1
        const states = [...written(files, secrets)]
        if (before !== undefined && fits) {
          for (const state of states) expect([before.text, next]).toContain(read(state))
        }
        secrets = states.at(-1) ?? secrets
        expect(read(secrets)).toBe(next)
        expect(secrets.size).toBe(count)
        before = { text: next, parts: count }
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
      expect(mended.size).toBe(to)
      expect([...written(files, mended)].every((s) => s.size === to)).toBe(true)
    }),
  )
})
