/** A kubeconfig that can not be used is reported without anything in it that logs in. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { connectionFromFile } from '../../../../operator/cluster/api/connection.ts'
import { openWire } from '../../../../operator/cluster/api/wire.ts'
import { makeCertificates, oddTwin } from '../../../certificates.ts'
import { temporaryFolder } from '../../../local/temporary.ts'

function kubeconfig(user: string, server = 'https://127.0.0.1:1', ca = ''): string {
  const file = join(temporaryFolder(), 'kubeconfig')
  const trusted = `certificate-authority-data: "${Buffer.from(ca).toString('base64')}"`
  const cluster = `clusters: [{name: a, cluster: {server: "${server}", ${trusted}}}]`
  const context = 'contexts: [{name: a, context: {cluster: a, user: a}}]'
  writeFileSync(file, `current-context: a\n${cluster}\n${context}\nusers:\n- name: a\n  user:\n${user}`)
  return file
}

test.each([
  ['a wrong indent', '    token: hunter2\n   client-key-data: hunter2\n', 8],
  ['an alias', '    token: *hunter2\n', 7],
  ['a tag', '    token: !hunter2! x\n', 7],
])('a kubeconfig with %s is reported with its line number and without its values (case A17)', (_name, user, line) => {
  const file = kubeconfig(user)
  expect(() => connectionFromFile(file)).toThrow(`${file} can not be read: it is not well-formed YAML at line ${line}`)
  expect(() => connectionFromFile(file)).not.toThrow(/hunter2/)
})

test('the output of an exec plugin that is no JSON is not repeated, since it may be a token (case A17)', async () => {
  const file = kubeconfig('    exec: {apiVersion: client.authentication.k8s.io/v1, command: echo, args: [hunter2]}\n')
  const called = openWire(connectionFromFile(file)).call({ method: 'GET', path: '/version', timeoutMs: 10_000 })
  const message = await called.then(String, (error: Error) => error.message)
  expect(message).toBe('GET /version: what the exec plugin of the kubeconfig says is no JSON')
})

test.each([
  'api.example.org:6443',
  'https://admin:hunter2@:6443',
  'hunter2',
])('the server %j in a kubeconfig is reported as no URL', (server) => {
  const file = kubeconfig('    token: x\n', server)
  expect(() => connectionFromFile(file)).toThrow('the server of cluster a in the kubeconfig is no URL')
})

test('an API server whose certificate chain has a key on a curve that NIST has no name for does not crash the process (case T22)', async () => {
  const { ca, cert, key } = await makeCertificates(['127.0.0.1'])
  const server = createServer({ cert: `${cert}\n${await oddTwin(ca)}`, key }, (_, answer) => answer.end('{}'))
  onTestFinished(() => void server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const wire = openWire(connectionFromFile(kubeconfig('    token: x\n', `https://127.0.0.1:${port}`, ca)))
  expect(await wire.call({ method: 'GET', path: '/version', timeoutMs: 10_000 })).toEqual({})
})
