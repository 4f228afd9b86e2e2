/** Runs in a pod: accepts every message, and tells how often it got each one, by X-Load-Id, and what the last one was. */
import { buffer } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'
import { control } from './control.ts'

const arrivals = new Map<string, number>()
let last = Buffer.alloc(0)

const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['AUTH', 'STARTTLS'],
  disableReverseLookup: true,
  onData(stream, _session, callback) {
    buffer(stream).then((content) => {
      const id = /^X-Load-Id: (\S+)$/m.exec(content.toString('latin1'))?.[1] ?? 'none'
      last = content
      arrivals.set(id, (arrivals.get(id) ?? 0) + 1)
      callback(null)
    }, callback)
  },
})
server.on('error', () => undefined)
server.listen(2525, '::')

control(8080, {
  '/arrivals': () => Object.fromEntries(arrivals),
  '/count': () => arrivals.size,
  '/last': () => last.toString('base64'),
})
