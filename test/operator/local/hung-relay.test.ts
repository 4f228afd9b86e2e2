/** A relay that hangs is told as one that does not answer. */
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../local/free-port.ts'
import { running } from './running.ts'
import { policy, yamlDirectory } from './yaml.ts'

const shared = 'RelayPolicy mail/shared'

test('a relay that hangs gets Programmed=False NoAnswer, also where it was killed and restarted before', async () => {
  const directory = yamlDirectory({ 'policy.yaml': policy('shared', await freePort()) })
  const local = running(directory)
  await local.until(shared, 'Programmed', 'True')
  process.kill(local.pid('mail/shared'), 'SIGKILL')
  await local.until(shared, 'Programmed', 'False RelayNotRunning')
  await local.until(shared, 'Programmed', 'True')
  const pid = local.pid('mail/shared')
  process.kill(pid, 'SIGSTOP')
  onTestFinished(() => void process.kill(pid, 'SIGCONT'))
  await local.until(shared, 'Programmed', 'False')
  expect(local.condition(shared, 'Programmed')).toMatch(/^False NoAnswer: the relay does not answer/)
})
