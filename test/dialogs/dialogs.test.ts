/** Every conversation in this folder, played against a submission of its own. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { play } from './player.ts'

const files = readdirSync(import.meta.dirname).filter((f) => f.endsWith('.smtp'))

test('there are conversations', () => {
  expect(files.length).toBeGreaterThanOrEqual(30)
})

test.each(files)('%s', async (file) => {
  await play(join(import.meta.dirname, file))
})
