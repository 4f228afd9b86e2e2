import { spawnSync } from 'node:child_process'
import { openSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { policy, yamlDirectory } from '../local/yaml.ts'

const cli = join(import.meta.dirname, '..', '..', '..', 'operator', 'cli.ts')

test.runIf(process.platform === 'linux').each(['render', 'check'])('%s into a full disk fails, and says so', (verb) => {
  const directory = yamlDirectory({ 'policy.yaml': policy('shared', 2525) })
  const full = openSync('/dev/full', 'w')
  const { status, stderr } = spawnSync(process.execPath, [cli, verb, directory, '--state', join(directory, 'none')], {
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  })
  expect(stderr).toMatch(/^relayfleet: what there is to say could not be written: ENOSPC/)
  expect(status).toBe(3)
})
