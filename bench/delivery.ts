/**
 * The speed of delivery alone: a spool in memory, one smarthost that takes everything, 4 KB messages, logs to /dev/null.
 * `smtp-sink -u nobody 127.0.0.1:2525 1000 & node bench/delivery.ts 2525 [messages] [connections]`
 */
import { once } from 'node:events'
import { mkdtempSync, openSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDelivery } from '../relay/delivery/delivery.ts'
import { createEvents, type Events } from '../relay/events.ts'
import { lineOutput } from '../relay/line-output.ts'
import { createLog } from '../relay/log.ts'
import { createMetrics } from '../relay/metrics.ts'
import { atRest } from '../test/relay/at-rest.ts'
import { MemorySpool } from '../test/relay/delivery/memory-spool.ts'
import { contentOf, envelope, loadedWith, route, smarthost } from '../test/relay/delivery/samples.ts'

const [port = '2525', messages = '20000', maxConnections = '20'] = process.argv.slice(2)
const loaded = loadedWith([
  route('default', [smarthost('sink', Number(port), { maxConnections: Number(maxConnections) })]),
])
const metrics = createMetrics('mail/shared', () => atRest)
const log = openSync('/dev/null', 'w')
const events: Events = createEvents(createLog(lineOutput(log, () => events)), metrics, () => 'Hash')
const spool = new MemorySpool()
const delivery = createDelivery({
  spool,
  events,
  loaded: () => loaded,
  inboxDirectory: '/nonexistent',
  attemptsFile: join(mkdtempSync(join(tmpdir(), 'relayfleet-bench-')), 'open-attempts'),
})
const content = contentOf(4096)
for (let i = 0; i < Number(messages); i++) spool.put(envelope(content), content)

const gone = new EventTarget()
spool.before = (operation) => {
  if (operation === 'remove' && spool.stored.size === 1) gone.dispatchEvent(new Event('empty'))
}
const started = performance.now()
const usage = process.cpuUsage()
delivery.start()
await Promise.race([once(gone, 'empty'), new Promise((resolve) => setTimeout(resolve, 120_000))])
const seconds = (performance.now() - started) / 1000
const { user, system } = process.cpuUsage(usage)
const done = Number(messages) - spool.stored.size + 1
console.log(`${done} messages in ${seconds.toFixed(2)} s: ${Math.round(done / seconds)} messages/s`)
console.log(`${Math.round(done / ((user + system) / 1e6))} messages per second of processor time`)
await delivery.close(1000)
process.exit(0)
