/** The reference is what the schemas, the rules and the metrics say; what it says by hand is about fields that exist. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { meanings } from '../../docs/field-meanings.ts'
import { printed, referenceFile } from '../../docs/print-reference.ts'

test('docs/reference.md is checked in as printed (else run `node docs/print-reference.ts`)', () => {
  expect(readFileSync(referenceFile, 'utf8')).toBe(printed())
})

test('every meaning belongs to a field', () => {
  const reference = printed()
  const fields = Object.values(meanings).flatMap((ofKind) => Object.keys(ofKind))
  expect(fields.filter((field) => !reference.includes(`| \`${field}\` |`))).toEqual([])
})
