import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readDirectory, valueIn } from '../../../operator/local/directory.ts'
import { credential, domain, policy, yamlDirectory } from './yaml.ts'

const nowhere = '/nowhere'
const names = (directory: string, leftOut = nowhere): readonly string[] =>
  readDirectory(directory, leftOut).objects.map((o) => o.object)

test('every .yaml and .yml file counts, at every depth, in order; other files do not', () => {
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
  expect(read.folders).toEqual([directory])
})

test('a file that is a link is read, as a mounted ConfigMap has them', () => {
  const directory = yamlDirectory({ '..data/policy.yaml': policy('shared', 2525) })
  symlinkSync(join('..data', 'policy.yaml'), join(directory, 'policy.yaml'))
  expect(names(directory)).toEqual(['RelayPolicy mail/shared'])
})

test('what can not be read is unread, with a problem that names it; the rest is there', () => {
  const directory = yamlDirectory({ 'good.yaml': policy('shared', 2525) })
  symlinkSync('missing', join(directory, 'dangling.yaml'))
  mkdirSync(join(directory, 'folder.yaml'))
  const read = readDirectory(directory, nowhere)
  expect(read.objects.map((o) => o.object)).toEqual(['RelayPolicy mail/shared'])
  expect(read.unread).toEqual([join(directory, 'dangling.yaml')])
  expect(read.problems[0]).toMatchObject({ file: join(directory, 'dangling.yaml'), line: 1, column: 1 })
})

test('a directory that is gone is unread, so that its absence removes nothing', () => {
  expect(readDirectory(nowhere, 'state')).toMatchObject({ objects: [], unread: [nowhere] })
})

test('a file with a syntax error is unread, an object with a wrong field is invalid', () => {
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

test('a pipe is not waited for: it is unread, and the rest is there', () => {
  const directory = yamlDirectory({ 'a.yaml': domain() })
  execFileSync('mkfifo', [join(directory, 'b.yaml')])
  const read = readDirectory(directory, nowhere)
  expect(read.problems.map((p) => p.message)).toEqual([expect.stringContaining('it is no regular file')])
  expect(read.objects).toHaveLength(1)
})
