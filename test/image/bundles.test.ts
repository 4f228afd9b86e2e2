/** What ships runs without the repository around it: bundled, each entry point answers. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const repository = join(import.meta.dirname, '../..')
let dist = ''

beforeAll(() => {
  dist = mkdtempSync(join(tmpdir(), 'relayfleet-bundles-'))
  execFileSync(process.execPath, ['build.ts', dist], { cwd: repository, stdio: 'pipe' })
  writeFileSync(join(dist, 'package.json'), '{"type": "module"}')
})
afterAll(() => rmSync(dist, { recursive: true, force: true }))

const run = (bundle: string, ...args: readonly string[]) =>
  spawnSync(process.execPath, [join(dist, bundle), ...args], { encoding: 'utf8', cwd: dist })

test('the command line tells its verbs', () => {
  const { stdout, stderr, status } = run('relayfleet.js', '--help')
  expect(stdout + stderr).toContain('Usage: relayfleet')
  expect(status).toBe(0)
})

test('the relay asks for its configuration', () => {
  const { stdout, stderr, status } = run('relay.js')
  expect(stdout + stderr).toContain('--config')
  expect(status).not.toBe(0)
})
