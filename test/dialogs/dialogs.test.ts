/** Each conversation in this folder comes out as it is written, played against a submission of its own. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { play } from './player.ts'

const files = readdirSync(import.meta.dirname).filter((f) => f.endsWith('.smtp'))

test('the folder has conversations to play', () => {
  expect(files.length).toBeGreaterThanOrEqual(30)
})

test.each(files)('%s', async (file) => {
  await play(join(import.meta.dirname, file))
})
