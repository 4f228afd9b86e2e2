/** A command that can not write its output says so in its exit code, and local mode goes on without its lines. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readStatuses } from '../../../operator/local/status-file.ts'
import { freePort } from '../../local/free-port.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { cli } from '../../shipped.ts'
import { policy, yamlDirectory } from '../local/yaml.ts'

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

test.runIf(process.platform === 'linux')('a wrong command line has exit code 2 even if nothing can be printed', () => {
  const full = openSync('/dev/full', 'w')
  expect(spawnSync(process.execPath, [cli, 'check', '/nowhere'], { stdio: ['ignore', 'pipe', full] }).status).toBe(2)
})

test.runIf(process.platform === 'linux').each(['stdout', 'stderr'])(
  'local mode runs on when its lines can not be written to %s',
  async (stream) => {
    const directory = yamlDirectory({ 'policy.yaml': policy('shared', await freePort()) })
    const state = join(temporaryFolder(), 'state')
    const full = openSync('/dev/full', 'w')
    const child = spawn(process.execPath, [cli, 'local', directory, '--state', state], {
      stdio: stream === 'stdout' ? ['ignore', full, 'ignore'] : ['ignore', 'ignore', full],
    })
    const exited = once(child, 'exit')
    try {
      const ready = () => readStatuses(join(state, 'status.yaml')).get('RelayPolicy mail/shared')?.conditions.at(-1)
      await until('it is ready', () => ready()?.status === 'True')
      expect(child.exitCode).toBeNull()
    } finally {
      child.kill('SIGTERM')
      await exited
    }
  },
)
