/** What we print for kubectl and helm means the same in YAML 1.1, which they read and where a plain Off is false, as in YAML 1.2. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'

const root = join(import.meta.dirname, '..', '..')
const folders = ['crds', 'config', 'charts/relayfleet/files', 'examples']
const files = folders.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.ya?ml$/.test(file))
    .map((file) => join(folder, file)),
)

const read = (text: string, version: '1.1' | '1.2') =>
  parseAllDocuments(text, { version }).map((document) => document.toJS() as unknown)

test('the check finds YAML files to read', () => {
  expect(files.length).toBeGreaterThan(20)
})

test.each(files)('%s means the same in YAML 1.1 and 1.2', (file) => {
  const text = readFileSync(join(root, file), 'utf8')
  expect(read(text, '1.1')).toEqual(read(text, '1.2'))
})
