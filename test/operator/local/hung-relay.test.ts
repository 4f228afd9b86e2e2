/** A relay that hangs is told as one that does not answer. */
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../local/free-port.ts'
import { until } from '../../local/until.ts'
import { alive } from './alive.ts'
import { running } from './running.ts'
import { policy, yamlDirectory } from './yaml.ts'

const shared = 'RelayPolicy mail/shared'

test('a relay that hangs gets Programmed=False NoAnswer, also where it was killed and restarted before', async () => {
  const directory = yamlDirectory({ 'policy.yaml': policy('shared', await freePort()) })
  const local = running(directory)
  await local.until(shared, 'Programmed', 'True')
  // Once may not be enough: a relay that is back before it is asked again was never away for its condition.
  await until('its end is told', () => {
    const pid = local.pid('mail/shared')
    if (alive(pid)) process.kill(pid, 'SIGKILL')
    return local.condition(shared, 'Programmed').startsWith('False RelayNotRunning')
  })
  await local.until(shared, 'Programmed', 'True')
  const pid = local.pid('mail/shared')
  process.kill(pid, 'SIGSTOP')
  onTestFinished(() => void process.kill(pid, 'SIGCONT'))
  await local.until(shared, 'Programmed', 'False')
  expect(local.condition(shared, 'Programmed')).toMatch(/^False NoAnswer: the relay does not answer/)
})
