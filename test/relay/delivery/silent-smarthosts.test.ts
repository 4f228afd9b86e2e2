/** Smarthosts that connect, and then say nothing for long: what waits for them, and for how long. */
import { expect, test } from 'vitest'
import { until } from '../../local/until.ts'
import { drop, say, silence } from './behaviour.ts'
import { clockAhead } from './clock-ahead.ts'
import { allWithin, rig } from './rig.ts'
import { envelope, hello, route, smarthost } from './samples.ts'
import { startSmarthost } from './smarthost.ts'

test('case U25: a further connection to a main smarthost that is not greeted, while its open one is silent, is asked for once', async () => {
  const [main, backup] = [await startSmarthost(), await startSmarthost()]
  const routes = [route('r', [smarthost('main', main.port), smarthost('backup', backup.port, { priority: 1 })])]
  const { spool, attempted, quiet } = rig(routes, { deadlines: { ...allWithin(60_000), connect: 300 } })
  spool.put(envelope(hello), hello)
  await attempted(1)
  await quiet()
  main.script.dot = silence
  main.script.banner = silence
  for (let i = 0; i < 2; i++) spool.put(envelope(hello), hello)
  await until('the backup has the other message', () => backup.received.length === 1)
  expect(main.times('banner')).toBe(2)
})

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

test('case U25: what waits for the only connection of a main smarthost goes to a backup that works again by now', async () => {
  const main = await startSmarthost({
    script: { MAIL: (time) => (time === 0 ? say('421 4.3.2 not now', { ends: 'drop' }) : undefined) },
  })
  const backup = await startSmarthost({ script: { banner: drop } })
  const hosts = [smarthost('main', main.port), smarthost('backup', backup.port, { priority: 1 })]
  const { spool, attempted } = rig([route('r', hosts)], { deadlines: { ...allWithin(120_000), connect: 500 } })
  const put = (): unknown => spool.put(envelope(hello), hello)
  put()
  await attempted(2)
  put()
  await until('the main smarthost works again', () => main.received.length === 1)
  main.script.dot = silence
  main.script.banner = say('421 4.7.0 too many connections', { ends: 'drop' })
  const before = main.times('banner')
  for (let i = 0; i < 4; i++) put()
  await until('three are refused', () => main.times('dot') === 2 && main.times('banner') >= before + 3)
  delete backup.script.banner
  clockAhead(31_000)
  put()
  await until('the backup has the three, too', () => backup.received.length === 4)
})
