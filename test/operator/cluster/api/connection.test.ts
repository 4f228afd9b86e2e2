/** What is told of a kubeconfig that is no use, and that nothing which is in it to log in by is told with it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { connectionFromFile } from '../../../../operator/cluster/api/connection.ts'
import { openWire } from '../../../../operator/cluster/api/wire.ts'
import { temporaryFolder } from '../../local/temporary.ts'

function kubeconfig(user: string, server = 'https://127.0.0.1:1'): string {
  const file = join(temporaryFolder(), 'kubeconfig')
  const cluster = `clusters: [{name: a, cluster: {server: "${server}"}}]`
  const context = 'contexts: [{name: a, context: {cluster: a, user: a}}]'
  writeFileSync(file, `current-context: a\n${cluster}\n${context}\nusers:\n- name: a\n  user:\n${user}`)
  return file
}

test.each([
  ['a wrong indent', '    token: hunter2\n   client-key-data: hunter2\n', 8],
  ['an alias', '    token: *hunter2\n', 7],
  ['a tag', '    token: !hunter2! x\n', 7],
])('a kubeconfig with %s is told by its line, and nobody quotes what is in it (case A17)', (_name, user, line) => {
  const file = kubeconfig(user)
  expect(() => connectionFromFile(file)).toThrow(`${file} can not be read: it is not well-formed YAML at line ${line}`)
  expect(() => connectionFromFile(file)).not.toThrow(/hunter2/)
})

test('what an exec plugin says that is no JSON is not quoted: it may be a token (case A17)', async () => {
  const file = kubeconfig('    exec: {apiVersion: client.authentication.k8s.io/v1, command: echo, args: [hunter2]}\n')
  const called = openWire(connectionFromFile(file)).call({ method: 'GET', path: '/version', timeoutMs: 10_000 })
  const message = await called.then(String, (error: Error) => error.message)
  expect(message).toBe('GET /version: what the exec plugin of the kubeconfig says is no JSON')
})

test.each([
  'api.example.org:6443',
  'https://admin:hunter2@:6443',
  'hunter2',
])('a server %j is no URL, and told as one', (server) => {
  const file = kubeconfig('    token: x\n', server)
  expect(() => connectionFromFile(file)).toThrow('the server of cluster a in the kubeconfig is no URL')
})
