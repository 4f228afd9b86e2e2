/** Every command that the documents show exists: each verb of relayfleet with its options, and each field that kubectl is asked for. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { kinds } from '../../crds/kinds.ts'
import type { Kind, Schema } from '../../crds/schema.ts'
import { commanded } from '../operator/cli/commanded.ts'

const pages = ['README.md', ...readdirSync('docs').flatMap((f) => (f.endsWith('.md') ? [`docs/${f}`] : []))]
const text = (page: string): string => readFileSync(page, 'utf8')

/** The commands of a program that a page shows in a code block or in backticks, without the comments after them. */
const typed = (page: string, program: string): readonly string[] => {
  const blocks = [...text(page).matchAll(/^```(?:sh)?\n(.*?)^```/gms)].flatMap(([, block = '']) =>
    block.replaceAll(/\\\n/g, ' ').split('\n'),
  )
  const spans = [...text(page).matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span)
  return [...blocks, ...spans]
    .map((line) => line.replace(/^\$ /, '').replace(/(^| )#.*/, ''))
    .filter((line) => line.startsWith(`${program} `))
}

const groups = ['domain', 'inbox']

/** The deletions of a page, in their order. */
const deletionsIn = (page: string): readonly string[] =>
  typed(page, 'kubectl').filter((command) => / delete /.test(command))

/** The short name of a kind and the columns that a page asks kubectl for. */
const columnsIn = (page: string): readonly RegExpExecArray[] => [
  ...text(page).matchAll(/kubectl get (\w+)[^`\n]* -o custom-columns=([^`\n]+)/g),
]

test('the pages have commands, deletions and columns for the tests below to look at', () => {
  expect(pages.flatMap((page) => typed(page, 'relayfleet')).length).toBeGreaterThan(20)
  expect(pages.flatMap(deletionsIn).filter((command) => command.includes(' -f examples/'))).not.toEqual([])
  expect(pages.flatMap(columnsIn)).not.toEqual([])
})

test.each(pages)('%s: each command of relayfleet that it shows exists, with its options', async (page) => {
  for (const command of typed(page, 'relayfleet')) {
    const [, ...words] = command.trim().split(/\s+/)
    const verb = words.slice(0, groups.includes(words[0] ?? '') ? 2 : 1)
    if (!/^[a-z]/.test(verb[0] ?? '')) continue
    const { out } = await commanded(...verb, '--help')
    const options = command.match(/(?<= )--?[a-z][a-z-]*/g) ?? []
    const unknown = options.filter((option) => !new RegExp(`^  .*${option}\\b`, 'm').test(out))
    expect(out, command).toContain(`Usage: relayfleet ${verb.join(' ')} [`)
    expect(unknown, command).toEqual([])
  }
})

/** The names of the objects of a kind that a folder of YAML declares, each with its namespace before it where it has one. */
const declared = (folder: string, kind: string): readonly string[] =>
  readdirSync(folder)
    .flatMap((file) => parseAllDocuments(readFileSync(join(folder, file), 'utf8')))
    .map((document) => document.toJS())
    .filter((object) => object.kind === kind)
    .map(({ metadata }) => [metadata.namespace ?? [], metadata.name].flat().join('/'))

// Deleting a namespace loses the mail of the policies in it (docs/sre.md).
test.each(pages)('%s: no namespace is deleted before the policies in it', (page) => {
  const deletions = deletionsIn(page)
  for (const [i, command] of deletions.entries()) {
    const folder = / -f (\S+)/.exec(command)?.[1]
    if (folder === undefined || !existsSync(folder)) continue
    const namespaces = declared(folder, 'Namespace')
    const before = deletions.slice(0, i)
    for (const policy of declared(folder, 'RelayPolicy')) {
      const [namespace = '', name = ''] = policy.split('/')
      if (!namespaces.includes(namespace)) continue
      expect(before, command).toContainEqual(expect.stringMatching(`^kubectl -n ${namespace} delete rpol ${name}\\s*$`))
    }
  }
})

const everyKind: readonly Kind[] = kinds
const hasField = (schema: Schema | undefined, path: readonly string[]): boolean => {
  const [step, ...more] = path
  if (step === undefined) return schema !== undefined
  if (schema?.type === 'array') return hasField(schema.items, path)
  return schema?.type === 'object' && 'properties' in schema && hasField(schema.properties[step], more)
}

test.each(pages)('%s: each custom column that kubectl is asked for is a field of its kind', (page) => {
  const paths = columnsIn(page).flatMap(([, name = '', columns = '']) =>
    [...columns.matchAll(/:\.((?:spec|status)[\w.]*)(?:\[[^\]]*\])?(\.\w+)?/g)].map(
      ([, path = '', more = '']) => [name, `${path}${more}`] as const,
    ),
  )
  const wrong = paths.filter(([name, path]) => {
    const kind = everyKind.find(({ shortName }) => shortName === name)
    const [half, ...steps] = path.split('.')
    return !hasField(half === 'spec' ? kind?.spec : kind?.status, steps)
  })
  expect(wrong).toEqual([])
})

test('where docs/alerts.md has plain kubectl get, it speaks of Ready, the only condition that kubectl prints by itself', () => {
  const paragraphs = text('docs/alerts.md').split('\n\n')
  const plain = paragraphs.filter((p) => /`kubectl get (?:rpol|sdom|rcred) (?!-A -o custom-columns)/.test(p))
  expect(plain.length).toBeGreaterThan(0)
  expect(plain.filter((p) => !p.includes('`Ready`'))).toEqual([])
})
