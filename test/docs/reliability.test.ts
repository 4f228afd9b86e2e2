/** docs/reliability.md has one row for each case, names only tests that exist, and says what is missing where a case is open. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
const text = (file: string): string => readFileSync(join(root, file), 'utf8')

type Row = { readonly id: string; readonly tests: readonly string[]; readonly state: string }
const rows = text('docs/reliability.md')
  .split('\n')
  .flatMap((line): readonly Row[] => {
    const [, id = '', , tests = '', state = ''] = line.split(/(?<!\\)\|/).map((cell) => cell.trim())
    return /^[A-Z]\d\d$/.test(id) ? [{ id, tests: tests === '' ? [] : tests.split('<br>'), state }] : []
  })

test('no case has two rows', () => {
  expect(rows.length).toBeGreaterThan(100)
  expect(rows.map((row) => row.id)).toEqual([...new Set(rows.map((row) => row.id))])
})

test.each(
  rows.map((row) => [row.id, row] as const),
)('the row of %s names a test that passes, or says what is missing', (_id, row) => {
  if (row.state === 'pass') expect(row.tests).not.toEqual([])
  else expect(row.state).toMatch(/^open: .{10}/)
})

test.each(
  rows.flatMap((row) => row.tests.map((named) => [row.id, named] as const)),
)('the row of %s names a test that exists: %s', (id, named) => {
  const [, file = '', name] = /^`([^`]+)`(?:: (.*))?$/.exec(named) ?? []
  expect(existsSync(join(root, file)), file).toBe(true)
  if (name === undefined) {
    expect(file).toMatch(/^test\/dialogs\/.*\.smtp$/)
    return
  }
  const wanted = name.replaceAll('&lt;', '<').replaceAll('\\|', '|')
  const there = namesIn(file).some((one) => one.includes(wanted))
  expect(there, `${id}: ${file} has a test of that name`).toBe(true)
})

/**
 * The names of tests and of their groups in a file, and what a row of a table of tests begins with. Other text, as that of a comment,
 * is no test; nor is one that is skipped.
 */
const title = /(?:\b(?:test|describe)(?:\.(?!skip|todo)\w+)*\(|\)\(|\[)\s*(['"`])((?:(?!\1)[^\\\n]|\\.)*)\1/g
const namesIn = (file: string): readonly string[] =>
  [...text(file).matchAll(title)].map(([, , name = '']) => name.replaceAll('\\u00f6', 'ö'))

const families = 'PMATRSUN'
test('every case of the families in the document that a test names has a row', () => {
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' }).filter((f) =>
    /\.(test\.ts|smtp)$/.test(f),
  )
  const named = files.flatMap((file) =>
    [...text(`test/${file}`).matchAll(/\bcases? ([A-Z]\d\d(?:(?:, | and )[A-Z]\d\d)*)/gi)].flatMap(
      (m) => m[1]?.match(/[A-Z]\d\d/g) ?? [],
    ),
  )
  expect(named.length).toBeGreaterThan(50)
  const known = new Set(rows.map((row) => row.id))
  expect([...new Set(named)].filter((id) => families.includes(id.charAt(0)) && !known.has(id))).toEqual([])
})
