/**
 * The floor under `bench:cost`: what sockets, TLS and the disk alone cost in Node. It does only what every relay must: one write
 * and one read for each step on both sides, and one fdatasync for all messages that wait for one. It is no relay, since it
 * checks, remembers and retries nothing. `node bench/floor-process.ts --port N --sink N --folder F`
 */
import fs from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createSecureContext, TLSSocket } from 'node:tls'
import { parseArgs } from 'node:util'
import { shared } from '../relay/spool/group-commit.ts'

const { values } = parseArgs({
  options: { port: { type: 'string' }, sink: { type: 'string' }, folder: { type: 'string' } },
})
const folder = values.folder ?? '.'
const context = createSecureContext({
  cert: fs.readFileSync(join(folder, 'cert.pem')),
  key: fs.readFileSync(join(folder, 'key.pem')),
})
const file = fs.openSync(join(folder, 'floor'), 'w')
const endOfData = Buffer.from('\r\n.\r\n')
const mostConnections = 20

const settled = (deed: (done: (error: Error | null) => void) => void): Promise<void> =>
  new Promise((resolve, reject) => deed((error) => (error ? reject(error) : resolve())))

let end = 0
const disk = shared<Buffer>(async (contents) => {
  const at = end
  end += contents.reduce((sum, { length }) => sum + length, 0)
  await settled((done) => fs.writev(file, contents as Buffer[], at, done))
  await settled((done) => fs.fdatasync(file, done))
})

/** The contents that wait for a connection to the sink, and the connections that wait for a content. */
const waiting: Buffer[] = []
const idle: (() => void)[] = []
let connections = 0

function deliver(content: Buffer): void {
  waiting.push(content)
  const next = idle.pop()
  if (next !== undefined) next()
  else if (connections < mostConnections) openWayOut()
}

const batch = 'MAIL FROM:<app@corp.test>\r\nRCPT TO:<someone@sink.test>\r\nDATA\r\n'

function openWayOut(): void {
  connections += 1
  const socket = connect(Number(values.sink), '127.0.0.1').setNoDelay(true)
  let content: Buffer = endOfData
  let said = ''
  const begin = (): void => {
    const next = waiting.shift()
    if (next === undefined) idle.push(begin)
    else {
      content = next
      step = 'batch'
      socket.write(batch, 'latin1')
    }
  }
  let step: keyof typeof after = 'banner'
  const after = {
    banner: () => {
      step = 'content'
      socket.write('EHLO floor\r\n', 'latin1')
    },
    batch: () => {
      step = 'content'
      socket.write(content)
    },
    content: begin,
  }
  socket.on('data', (chunk) => {
    said += chunk.toString('latin1')
    const last = said.slice(said.lastIndexOf('\n', said.length - 2) + 1)
    if (!said.endsWith('\n') || last[3] !== ' ' || (step === 'batch' && !last.startsWith('354'))) return
    said = ''
    after[step]()
  })
}

/** The replies to clients, by the first four letters of a command; every other one is answered with 250. */
const answers: Readonly<Record<string, string>> = {
  EHLO: '250-floor\r\n250-PIPELINING\r\n250 AUTH PLAIN\r\n',
  STAR: '220 go on\r\n',
  AUTH: '235 yes\r\n',
  DATA: '354 go on\r\n',
  QUIT: '221 bye\r\n',
}

function serve(socket: Socket): void {
  const contents: Buffer[] = []
  let inContent = false
  const take = (chunk: Buffer): void => {
    if (inContent) {
      contents.push(chunk)
      if (!chunk.subarray(-endOfData.length).equals(endOfData)) return
      inContent = false
      const [first = chunk] = contents
      const content = contents.length === 1 ? first : Buffer.concat(contents)
      contents.length = 0
      void disk.add(content).then(() => {
        socket.write('250 kept\r\n', 'latin1')
        deliver(content)
      })
      return
    }
    const verbs = chunk
      .toString('latin1')
      .split('\r\n')
      .map((line) => line.slice(0, 4))
    verbs.pop()
    inContent = verbs.at(-1) === 'DATA'
    socket.write(verbs.map((verb) => answers[verb] ?? '250 ok\r\n').join(''), 'latin1')
    if (verbs.at(-1) === 'STAR') secure(socket)
    if (verbs.at(-1) === 'QUIT') socket.end()
  }
  socket.on('data', take).on('error', () => socket.destroy())
}

function secure(plain: Socket): void {
  plain.removeAllListeners('data')
  const secured = new TLSSocket(plain, { isServer: true, secureContext: context })
  secured.once('secure', () => serve(secured))
}

createServer({ noDelay: true }, (socket) => {
  serve(socket)
  socket.write('220 floor\r\n', 'latin1')
}).listen(Number(values.port), '127.0.0.1')
