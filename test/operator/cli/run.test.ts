/** `run` refuses options and variables that it does not know before it asks any cluster, and names what it could not open. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { execute } from '../../../operator/cli/program.ts'
import { terminalOn } from '../../../operator/cli/terminal.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { commanded } from './commanded.ts'

const given = [
  'run',
  '--namespace=relayfleet-system',
  '--image=relayfleet.dev/relayfleet:1',
  '--metrics-bind=127.0.0.1:0',
]

test.each<[string, readonly string[], string]>([
  ['an unknown flag', [...given, '--leader-elect'], "unknown option '--leader-elect'"],
  ['no namespace', ['run', '--image=a'], "required option '--namespace <name>' not specified"],
  ['no image', ['run', '--namespace=a'], "required option '--image <ref>' not specified"],
  [
    'a namespace with a capital letter',
    [...given, '--namespace=Mail'],
    '--namespace Mail: write the name of a namespace',
  ],
  [
    'an empty name among the watched namespaces',
    [...given, '--watch-namespaces=a,,b'],
    '--watch-namespaces : write the name',
  ],
  [
    'a pattern of watched namespaces',
    [...given, '--watch-namespaces=team-*'],
    '--watch-namespaces team-*: write the name',
  ],
  ['an empty image', [...given, '--image='], '--image: write a reference'],
  ['a metrics address without a host', [...given, '--metrics-bind=9466'], '--metrics-bind 9466: write HOST:PORT'],
  ['an IPv6 metrics address without brackets', [...given, '--metrics-bind=:::9466'], 'write HOST:PORT, e.g. [::]:9466'],
  ['one argument too many', [...given, 'more'], 'too many arguments'],
])('%s is reported, with exit code 2', async (_name, argv, says) => {
  const { code, out, err } = await commanded(...argv)
  expect(err).toContain(says)
  expect([code, out]).toEqual([2, ''])
})

test('an environment variable RELAYFLEET_*, of which run reads none, is reported, with exit code 2', async () => {
  let told = ''
  const write = (text: string) => {
    told += text
  }
  const terminal = terminalOn({ write }, { write }, false)
  const signal = new AbortController().signal
  const code = await execute(given, { terminal, signal, environment: ['PATH', 'RELAYFLEET_NAMESPACE'] })
  expect(told).toBe('relayfleet: RELAYFLEET_NAMESPACE: no variable sets anything; use the flags\n')
  expect(code).toBe(2)
})

/** A kubeconfig of a cluster that does not exist, and is not asked for anything. */
const kubeconfig = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
  users: [{ name: 'u', user: {} }],
  contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
  'current-context': 'c',
})

test('a metrics port that another program has taken ends the process with exit code 3 and the name of the flag', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void other.close())
  await once(other, 'listening')
  const { port } = other.address() as { readonly port: number }
  const file = join(temporaryFolder(), 'kubeconfig')
  writeFileSync(file, kubeconfig)
  const args = [...given.slice(0, 3), `--metrics-bind=127.0.0.1:${port}`, '--kubeconfig', file]
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('RELAYFLEET_')))
  const child = spawn(process.execPath, ['operator/cli.ts', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  expect(err).toMatch(
    new RegExp(
      `^relayfleet: --metrics-bind 127\\.0\\.0\\.1:${port}: listen EADDRINUSE: .*; choose another, or stop .*\n$`,
    ),
  )
  expect([code, out]).toEqual([3, ''])
})
