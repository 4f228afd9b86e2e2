/** docs/reference.md is printed from the schemas, the rules and the metrics. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { printed, referenceFile } from '../../docs/print-reference.ts'

test('docs/reference.md is checked in as printed (else run `node docs/print-reference.ts`)', () => {
  expect(readFileSync(referenceFile, 'utf8')).toBe(printed())
})
