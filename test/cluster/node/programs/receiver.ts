/** In a pod: takes every message, and tells how often it has got each one, by its X-Load-Id. */
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'
import { control } from './control.ts'

const arrivals = new Map<string, number>()

const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['AUTH', 'STARTTLS'],
  disableReverseLookup: true,
  onData(stream, _session, callback) {
    text(stream).then((content) => {
      const id = /^X-Load-Id: (\S+)$/m.exec(content)?.[1] ?? 'none'
      arrivals.set(id, (arrivals.get(id) ?? 0) + 1)
      callback(null)
    }, callback)
  },
})
server.on('error', () => undefined)
server.listen(2525, '::')

control(8080, { '/arrivals': () => Object.fromEntries(arrivals), '/count': () => arrivals.size })
