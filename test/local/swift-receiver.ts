/**
 * Does the work of receiver.py in runs in which Python's speed would be the limit: it writes the same lines of JSON, and gives
 * the same answers by local part, except after the final dot. It knows neither TLS nor logins. `node swift-receiver.ts --log
 * FILE` prints its port, and listens until it is asked to end.
 */
import { appendFileSync, openSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { parseArgs } from 'node:util'
import { marksIn } from './load-message.ts'

const { values } = parseArgs({ options: { log: { type: 'string' }, port: { type: 'string', default: '0' } } })
const log = openSync(values.log ?? '/dev/stdout', 'a')
const refusedOnce = new Set<string>()
let count = 0

const endOfData = '\r\n.\r\n'

function answerTo(path: string): string {
  const kind = path.split('.', 1)[0]
  if (kind === '550') return '550 5.1.1 no such mailbox'
  if (kind === '451' || (kind === '451once' && !refusedOnce.has(path))) {
    refusedOnce.add(path)
    return '451 4.2.1 mailbox busy'
  }
  return '250 2.1.5 ok'
}

class Session {
  #rest = ''
  #reversePath = ''
  #forwardPaths: string[] = []
  #inData = false

  /** Takes what arrived, and returns the replies to it, each with CR LF. */
  take(text: string): string {
    this.#rest += text
    let replies = ''
    for (let reply = this.#next(); reply !== undefined; reply = this.#next()) replies += `${reply}\r\n`
    return replies
  }

  #next(): string | undefined {
    if (this.#inData) return this.#content()
    const end = this.#rest.indexOf('\r\n')
    if (end === -1) return undefined
    const line = this.#rest.slice(0, end)
    this.#rest = this.#rest.slice(end + 2)
    return this.#command(line)
  }

  #command(line: string): string {
    const path = /<(.*?)>/.exec(line)?.[1] ?? ''
    switch (line.slice(0, 4).toUpperCase()) {
      case 'EHLO':
        return '250-swift.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES'
      case 'MAIL':
        this.#reversePath = path
        this.#forwardPaths = []
        return '250 2.1.0 ok'
      case 'RCPT': {
        const answer = answerTo(path)
        if (answer.startsWith('250')) this.#forwardPaths.push(path)
        return answer
      }
      case 'DATA':
        if (this.#forwardPaths.length === 0) return '554 5.5.1 no valid recipients'
        this.#inData = true
        return '354 go on'
      case 'QUIT':
        return '221 2.0.0 bye'
      default:
        return '250 2.0.0 ok'
    }
  }

  #content(): string | undefined {
    const end = this.#rest.indexOf(endOfData)
    if (end === -1) return undefined
    const content = this.#rest.slice(0, end + 2).replaceAll('\r\n.', '\r\n')
    this.#rest = this.#rest.slice(end + endOfData.length)
    this.#inData = false
    count += 1
    note(content, { number: count, reversePath: this.#reversePath, forwardPaths: this.#forwardPaths })
    return `250 2.0.0 kept as ${count}`
  }
}

/** An arrival is in the file before its reply goes out: what a relay has been told, a test that asks the file finds there. */
function note(content: string, facts: object): void {
  const arrival = { ...facts, at: Date.now() / 1000, tls: false, login: null, bytes: content.length }
  appendFileSync(log, `${JSON.stringify({ ...arrival, ...marksIn(content) })}\n`)
}

function serve(socket: Socket): void {
  const session = new Session()
  socket
    .setNoDelay(true)
    .setEncoding('latin1')
    .on('error', () => {})
  socket.write('220 swift.test ESMTP\r\n')
  socket.on('data', (text: string) => {
    const replies = session.take(text)
    if (replies !== '') socket.write(replies)
    if (replies.includes('221 2.0.0')) socket.end()
  })
}

const server = createServer(serve).listen(Number(values.port), '127.0.0.1', () => {
  console.log((server.address() as AddressInfo).port)
})
process.once('SIGTERM', () => process.exit(0))
