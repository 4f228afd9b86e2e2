/** Smarthosts that connect, and then say nothing for long: what waits for them, and for how long. */
import { expect, test } from 'vitest'
import { until } from '../../local/until.ts'
import { drop, say, silence } from './behaviour.ts'
import { clockAhead } from './clock-ahead.ts'
import { rig } from './rig.ts'
import { envelope, hello, route, smarthost } from './samples.ts'
import { startSmarthost } from './smarthost.ts'

test('case U25: a message that a smarthost failed does not wait for another one that is silent on all its connections', async () => {
  const main = await startSmarthost({ script: { banner: drop } })
  const backup = await startSmarthost({ script: { dot: silence } })
  const hosts = [smarthost('main', main.port), smarthost('backup', backup.port, { priority: 1, maxConnections: 1 })]
  const { spool, attempted } = rig([route('r', hosts)])
  spool.put(envelope(hello), hello)
  await until('the backup is silent', () => backup.times('dot') === 1)
  delete main.script.banner
  main.script.MAIL = (time) => (time === 0 ? say('421 4.3.2 not now', { ends: 'drop' }) : undefined)
  spool.put(envelope(hello), hello)
  await attempted(2)
  clockAhead(31_000)
  spool.put(envelope(hello), hello)
  await until('the main smarthost has both', () => main.received.length === 2)
})
