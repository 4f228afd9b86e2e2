/** A folder is read with all of its YAML files, and what can not be read is named and counts as unread. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readDirectory, valueIn } from '../../../operator/local/directory.ts'
import { isWritten, locate } from '../../../operator/local/objects.ts'
import { credential, domain, listed, policy, yamlDirectory } from './yaml.ts'

const nowhere = '/nowhere'
const names = (directory: string, leftOut = nowhere): readonly string[] =>
  readDirectory(directory, leftOut).objects.map((o) => o.object)

test('every .yaml and .yml file is read, at every depth and in order, and no other file', () => {
  const directory = yamlDirectory({
    'b.yml': domain(),
    'a.yaml': policy('shared', 2525),
    'teams/a/web.yaml': credential('web', 'shared'),
    'README.md': policy('other', 2526),
    'c.yaml.bak': policy('old', 2527),
  })
  expect(names(directory)).toEqual([
    'RelayPolicy mail/shared',
    'SenderDomain mail/example-org',
    'RelayCredential team-a/web',
  ])
})

test('folders and files that begin with a dot, and the state folder, are left out', () => {
  const directory = yamlDirectory({
    '.git/a.yaml': policy('a', 2525),
    '.b.yaml': policy('b', 2525),
    'state/status.yaml': policy('c', 2525),
    'd.yaml': policy('d', 2525),
  })
  const read = readDirectory(directory, join(directory, 'state'))
  expect(read.objects.map((o) => o.object)).toEqual(['RelayPolicy mail/d'])
  expect(read.watched).toEqual([directory])
})

test('a file that is a link is read, since a mounted ConfigMap consists of links', () => {
  const directory = yamlDirectory({ '..data/policy.yaml': policy('shared', 2525) })
  symlinkSync(join('..data', 'policy.yaml'), join(directory, 'policy.yaml'))
  expect(names(directory)).toEqual(['RelayPolicy mail/shared'])
})

test('a file that can not be read counts as unread, with a problem that names it, and the others are read', () => {
  const directory = yamlDirectory({ 'good.yaml': policy('shared', 2525) })
  symlinkSync('missing', join(directory, 'dangling.yaml'))
  mkdirSync(join(directory, 'folder.yaml'))
  const read = readDirectory(directory, nowhere)
  expect(read.objects.map((o) => o.object)).toEqual(['RelayPolicy mail/shared'])
  expect(read.unread).toEqual([join(directory, 'dangling.yaml')])
  expect(read.problems[0]).toMatchObject({ file: join(directory, 'dangling.yaml'), line: 1, column: 1 })
})

test('a folder that does not exist counts as unread, so that its absence removes nothing', () => {
  expect(readDirectory(nowhere, 'state')).toMatchObject({ objects: [], unread: [nowhere] })
})

test('a file with a syntax error counts as unread, and an object with a wrong field as invalid', () => {
  const directory = yamlDirectory({
    'broken.yaml': 'kind: [RelayPolicy\n',
    'wrong.yaml': policy('shared', 2525, { replicas: -1 }),
  })
  const read = readDirectory(directory, nowhere)
  expect(read.unread).toEqual([join(directory, 'broken.yaml')])
  expect(read.objects).toMatchObject([{ declares: 'invalid', object: 'RelayPolicy mail/shared' }])
  expect(read.problems.map((p) => p.file)).toEqual([join(directory, 'broken.yaml'), join(directory, 'wrong.yaml')])
})

test("a Secret's value is found by kind, name and key", () => {
  const directory = yamlDirectory({
    'ses.yaml':
      'apiVersion: v1\nkind: Secret\nmetadata: {name: ses, namespace: mail}\nstringData: {password: s3cret}\n',
  })
  const read = readDirectory(directory, nowhere)
  const value = valueIn(read, { kind: 'Secret', name: 'mail/ses', key: 'password' })
  expect(Buffer.from(value ?? []).toString()).toBe('s3cret')
  expect(valueIn(read, { kind: 'Secret', name: 'mail/ses', key: 'username' })).toBeUndefined()
  expect(valueIn(read, { kind: 'ConfigMap', name: 'mail/ses', key: 'password' })).toBeUndefined()
})

test('a named pipe is not waited for, but reported, and the other files are read', () => {
  const directory = yamlDirectory({ 'a.yaml': domain() })
  execFileSync('mkfifo', [join(directory, 'b.yaml')])
  const read = readDirectory(directory, nowhere)
  expect(read.problems.map((p) => p.message)).toEqual([expect.stringContaining('it is no regular file')])
  expect(read.objects).toHaveLength(1)
})

const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le')

test.each([
  ['UTF-16, as a shell of Windows writes it', utf16],
  ['UTF-16 without a mark', (text: string) => utf16(text).subarray(2)],
  ['Latin-1', (text: string) => Buffer.from(`${text}# für\n`, 'latin1')],
])('a file in %s is reported as not in UTF-8, and counts as unread', (_name, encoded) => {
  const directory = yamlDirectory({ 'a.yaml': '' })
  const file = join(directory, 'a.yaml')
  writeFileSync(file, encoded(domain()))
  const { objects, unread, problems } = readDirectory(directory, nowhere)
  expect({ objects, unread }).toEqual({ objects: [], unread: [file] })
  expect(problems.map((p) => p.message)).toEqual([
    'can not be read (it is not in UTF-8: save it as UTF-8); what it declares stays as it is',
  ])
})

test('a file in UTF-8 with a byte order mark and the line ends of Windows is read as any other', () => {
  const directory = yamlDirectory({ 'a.yaml': `\ufeff${domain().replaceAll('\n', '\r\n')}` })
  expect(names(directory)).toEqual(['SenderDomain mail/example-org'])
})

test('a List, as kubectl get -o yaml prints it, declares its items', () => {
  const directory = yamlDirectory({
    'a.yaml': listed(domain(), 'apiVersion: apps/v1\nkind: Deployment', credential('web', 'shared')),
    'b.yaml': 'apiVersion: v1\nkind: List\nitems: []\n',
  })
  expect(readDirectory(directory, nowhere)).toMatchObject({
    objects: [{ object: 'SenderDomain mail/example-org' }, { object: 'RelayCredential team-a/web' }],
    unread: [],
    problems: [],
  })
})

test('an item of a List knows its own place, and its field is named as in a document of its own', () => {
  const wrong = domain().replace(/\n$/, '').concat('\n  colour: red')
  const directory = yamlDirectory({ 'a.yaml': listed(credential('web', 'shared'), wrong) })
  const lines = listed(credential('web', 'shared'), wrong).split('\n')
  const { objects, problems } = readDirectory(directory, nowhere)
  expect(problems).toMatchObject([
    {
      object: 'SenderDomain mail/example-org',
      field: 'spec.colour',
      line: lines.findIndex((line) => line.includes('colour')) + 1,
    },
  ])
  const names = lines.flatMap((line, i) => (/^ {4}name: /.test(line) ? [i + 1] : []))
  expect(objects.map((object) => locate(object, ['metadata', 'name']).line)).toEqual(names)
  expect(objects.map((object) => isWritten(object, ['metadata', 'name']))).toEqual([true, true])
  expect(objects.map((object) => isWritten(object, ['spec', 'nothing']))).toEqual([false, false])
})

test('an object that is declared in a List and outside of it is declared twice', () => {
  const directory = yamlDirectory({ 'a.yaml': listed(policy('shared', 2525), domain()), 'b.yaml': domain() })
  const { objects, problems } = readDirectory(directory, nowhere)
  expect(objects.map((o) => o.declares)).toEqual(['resource', 'invalid'])
  expect(problems.map((p) => p.message)).toEqual([expect.stringContaining('is declared twice')])
})

test.each([
  ['an item that is nothing', listed('# nothing'), 'kind is missing; add it: '],
  ['an item that is a text', 'apiVersion: v1\nkind: List\nitems: [web]\n', 'kind is missing; add it: '],
  [
    'an item with a kind that is spelled nearly like one of ours',
    listed('apiVersion: v1\nkind: Secrets'),
    'did you mean',
  ],
  ['a List of another group', 'apiVersion: example.org/v1\nkind: List\nitems: []\n', 'of a List must be v1'],
  ['a List without items', 'apiVersion: v1\nkind: List\n', 'a List has its objects in items; add it'],
  ['a List whose items are none', 'apiVersion: v1\nkind: List\nitems: {}\n', 'a List has its objects in items; add it'],
  [
    'a List in a List',
    listed(listed(domain())),
    'a List is not read inside of a List; put its items into the outer one',
  ],
  ['a List that is one of its items', '&list\napiVersion: v1\nkind: List\nitems: [*list]\n', 'inside of a List'],
])('%s leaves the file unread, so that nothing of it counts as deleted', (_what, text, message) => {
  const directory = yamlDirectory({ 'a.yaml': text })
  const { objects, unread, problems } = readDirectory(directory, nowhere)
  expect({ objects, unread }).toEqual({ objects: [], unread: [join(directory, 'a.yaml')] })
  expect(problems.map((p) => p.message)).toEqual([expect.stringContaining(message)])
})

test('a folder that is its own state folder is read', () => {
  const directory = yamlDirectory({ 'policy.yaml': policy('shared', 2525) })
  expect(names(directory, directory)).toEqual(['RelayPolicy mail/shared'])
})

test('a folder behind links is read once, also where links form a circle', () => {
  const teams = yamlDirectory({ 'a/web.yaml': credential('web', 'shared') })
  const directory = yamlDirectory({ 'policy.yaml': policy('shared', 2525) })
  symlinkSync(teams, join(directory, 'teams'))
  symlinkSync(teams, join(directory, 'teams-again'))
  symlinkSync(directory, join(teams, 'back'))
  const read = readDirectory(directory, nowhere)
  expect(read.objects.map((o) => o.object)).toEqual(['RelayPolicy mail/shared', 'RelayCredential team-a/web'])
  expect(read.problems).toEqual([])
  expect(read.watched).toEqual([directory, join(directory, 'teams'), join(directory, 'teams', 'a')])
})

test('a link that can not be followed counts as unread, since a folder may be behind it', () => {
  const directory = yamlDirectory({ 'policy.yaml': policy('shared', 2525) })
  const [loop, dangling] = [join(directory, 'teams'), join(directory, 'away')]
  symlinkSync(loop, loop)
  symlinkSync(join(directory, 'nowhere'), dangling)
  const { objects, unread, problems } = readDirectory(directory, nowhere)
  expect(objects.map((o) => o.object)).toEqual(['RelayPolicy mail/shared'])
  expect(unread).toEqual([loop])
  expect(problems).toMatchObject([{ file: loop, message: expect.stringContaining('ELOOP') }])
})
