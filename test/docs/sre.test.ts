/** docs/sre.md explains every log message and every reason of a condition, and every link of the documents leads to what exists. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
const text = (file: string): string => readFileSync(join(root, file), 'utf8')
const found = (file: string, pattern: RegExp): readonly string[] =>
  [...text(file).matchAll(pattern)].map((m) => m[1] ?? '')

const logged = found('relay/events.ts', /log\.(?:info|warn|error)\((?:[^'`]*?|[^;]*?,\s*)'([^']+)',?\s*\)/g)
const reasonsIn = (file: string): readonly string[] =>
  found(file, /(?:\b(?:no|notYet)\(|reason: (?:good \? 'Programmed' : )?)'([A-Z][A-Za-z]+)'/g)
const reasons = [
  ...found('operator/compile/findings.ts', /(?:says\(\s*'[A-Za-z]+',\s*'[A-Za-z]+',|refuses\()\s*'([A-Za-z]+)'/g),
  ...['operator/local/standing.ts', 'operator/degraded.ts', 'operator/local/observed-statuses.ts'].flatMap(reasonsIn),
  ...['operator/observed-status.ts', 'operator/conditions.ts'].flatMap(reasonsIn),
  ...found('operator/lifecycle/record-conditions.ts', /'(Record(?!s)[A-Za-z]+)'/g),
  ...found('operator/lifecycle/record-conditions.ts', /\bis\('[A-Za-z]+', '([A-Za-z]+)'/g),
  ...found('operator/cluster/publishing/publish-trouble.ts', /'(Publisher[A-Za-z]+)'/g),
  // In these files no function marks a reason, so the quoted words themselves are looked for.
  ...found('operator/cluster/statuses/scaling-down.ts', /\['(Drain[A-Za-z]+)',/g),
  ...found('operator/spools.ts', /'(Spool[A-Za-z]+ed)'/g),
  ...found('operator/usage.ts', /'((?:[A-Z][a-z]+){2,})'/g),
  ...found('operator/lifecycle/rotation-pending.ts', /rotationReasons = \[([^\]]+)\]/g).flatMap((list) =>
    [...list.matchAll(/'(\w+)'/g)].map((m) => m[1] ?? ''),
  ),
  ...['cluster/statuses/programmed', 'cluster/statuses/available', 'certificate-valid'].flatMap((f) =>
    found(`operator/${f}.ts`, /'((?:[A-Z][a-z]+){2,})'/g),
  ),
]

test('every log message of the relay is explained', () => {
  expect(logged.length).toBe(text('relay/events.ts').match(/\blog\.(info|warn|error)\(/g)?.length)
  expect(logged.filter((message) => !text('docs/sre.md').includes(`\`${message}\``))).toEqual([])
})

test('every log message of the operator is explained', () => {
  const told = ['operator-log', 'run'].flatMap((f) => found(`operator/cli/${f}.ts`, /\blog\('[a-z]+', '([^']+)'/g))
  expect(told.length).toBeGreaterThan(8)
  expect(told.filter((message) => !text('docs/sre.md').includes(`\`${message}\``))).toEqual([])
})

test('every reason of a condition is explained', () => {
  expect(reasons.length).toBeGreaterThan(30)
  const explained = found('docs/sre.md', /^\| [A-Za-z]* ?\| ([A-Za-z, ]+) \|/gm).flatMap((cell) => cell.split(', '))
  expect([...new Set(reasons)].filter((reason) => !explained.includes(reason))).toEqual([])
})

const metricsNamed = found('docs/sre.md', /\b(relayfleet_[a-z_]+)/g)
test.each([...new Set(metricsNamed)])('%s, which docs/sre.md names, is a metric', (name) => {
  expect(text('docs/reference.md')).toContain(`\`${name}\``)
})

const documents = ['README.md', 'CONTRIBUTING.md', ...readdirSync(join(root, 'docs')).map((f) => `docs/${f}`)]
const pages = documents.filter((page) => page.endsWith('.md'))
const filesLinkedBy = (page: string): readonly string[] => found(page, /\]\(([^)#:]+)(?:#[^)]*)?\)/g)
const headingsLinkedBy = (page: string) =>
  [...text(page).matchAll(/\]\(([^)#:\s]*)#([^)]+)\)/g)].map(([, file = '', anchor = '']) => ({
    to: file === '' ? page : join(dirname(page), file),
    anchor,
  }))

test('the pages have metrics and links for these tests to look at', () => {
  expect(metricsNamed.length).toBeGreaterThan(5)
  expect(pages.flatMap(filesLinkedBy).length).toBeGreaterThan(20)
  expect(pages.flatMap(headingsLinkedBy).length).toBeGreaterThan(20)
})

test.each(pages)('every file that %s links to exists', (page) => {
  const links = filesLinkedBy(page)
  expect(links.filter((link) => !existsSync(join(root, dirname(page), link)))).toEqual([])
})

/** The anchors that GitHub makes of the headings of a page: their words in lower case, with hyphens between them. */
const anchorsOf = (page: string): readonly string[] =>
  [
    ...text(page)
      .replaceAll(/^```.*?^```/gms, '')
      .matchAll(/^#+ (.+)$/gm),
  ].map(([, heading = '']) =>
    heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )

test.each(pages)('every heading that %s links to exists', (page) => {
  const links = headingsLinkedBy(page)
  expect(links.filter(({ to, anchor }) => to.endsWith('.md') && !anchorsOf(to).includes(anchor))).toEqual([])
})
