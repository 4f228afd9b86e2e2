/** The bundles run without the repository around them: each entry point answers. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const repository = join(import.meta.dirname, '../..')
let dist = ''

beforeAll(() => {
  dist = mkdtempSync(join(tmpdir(), 'relayfleet-bundles-'))
  execFileSync(process.execPath, [join(repository, 'build.ts'), dist], { cwd: tmpdir(), stdio: 'pipe' })
  writeFileSync(join(dist, 'package.json'), '{"type": "module"}')
})
afterAll(() => rmSync(dist, { recursive: true, force: true }))

const run = (bundle: string, ...args: readonly string[]) =>
  spawnSync(process.execPath, [join(dist, bundle), ...args], { encoding: 'utf8', cwd: dist })

test('the bundle of the command line prints its help', () => {
  const { stdout, stderr, status } = run('relayfleet.js', '--help')
  expect(stdout + stderr).toContain('Usage: relayfleet')
  expect(status).toBe(0)
})

test('the bundle of the relay, started without arguments, asks for --config and fails', () => {
  const { stdout, stderr, status } = run('relay.js')
  expect(stdout + stderr).toContain('--config')
  expect(status).not.toBe(0)
})

test.each([
  'operator.js',
  'relay.js',
])('%s is pure ASCII, since one letter beyond it would make Node keep two bytes for every character', (bundle) => {
  expect(/[^\0-\x7f]/.exec(readFileSync(join(dist, bundle), 'utf8'))?.[0]).toBeUndefined()
})

test('the relay has no HTTP client: no code of its own can ask a URL for anything, and a relay at rest is 3 MB smaller', () => {
  const told = `process.on('exit', () => console.log(process.moduleLoadList.join('\\n')))`
  const preload = `data:text/javascript,${encodeURIComponent(told)}`
  const { stdout } = spawnSync(process.execPath, ['--import', preload, join(dist, 'relay.js')], { encoding: 'utf8' })
  const loaded = stdout.split('\n')
  expect(loaded).toContain('NativeModule tls')
  expect(loaded.filter((module) => /http|undici/.test(module))).toEqual([])
})

test('started by a Node that is too old, it only says which version it needs and how to start with it', () => {
  const old = 'data:text/javascript,Object.defineProperty(process.versions, "node", { value: "20.20.2" })'
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', old, join(dist, 'relayfleet.js')], {
    encoding: 'utf8',
  })
  expect(stderr).toBe(
    'relayfleet: this is Node 20.20.2, and relayfleet needs 24.7 or later: put such a node first on PATH, or start it as: ' +
      `/path/to/node ${join(dist, 'relayfleet.js')}\n`,
  )
  expect([stdout, status]).toEqual(['', 3])
})
