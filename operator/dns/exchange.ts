/** Sends one question to one DNS server and waits for the reply: by UDP, and by TCP if that reply is too long for UDP. */
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, isIPv6 } from 'node:net'
import { type Query, questionMessage, type Reply, replyIn } from './message.ts'
import type { Server } from './server.ts'

export type Exchange = {
  readonly server: Server
  readonly query: Query
  /** Whether the server should ask others for us (the RD bit). */
  readonly recursive: boolean
  readonly patienceMs: number
  /** Resolves when the question may leave. */
  readonly turn: () => Promise<void>
}

/** Never rejects. A message that does not answer this very question, or is from another server, is ignored. */
export async function byUdp({ server, query, recursive, patienceMs, turn }: Exchange): Promise<Reply | 'truncated'> {
  const id = randomInt(65_536)
  const { promise, resolve } = Promise.withResolvers<Reply | 'truncated'>()
  // A port of its own for each question, which nobody can foresee (RFC 5452 section 9.2).
  const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4')
  socket.on('error', (error) => resolve(troubleWith(error)))
  socket.on('message', (message) => {
    const reply = replyIn(message, id, query)
    if (reply !== undefined) resolve(reply)
  })
  socket.connect(server.port, server.address)
  const opened = await Promise.race([once(socket, 'connect').then(() => undefined, troubleWith), promise])
  if (opened !== undefined) {
    socket.close()
    return opened
  }
  // The turn comes last, right before sending: time spent between the two would let questions of several turns leave at once.
  await turn()
  socket.send(questionMessage(id, query, recursive), (error) => {
    if (error !== null) resolve(troubleWith(error))
  })
  return within(patienceMs, promise, resolve, () => socket.close())
}

/** Never rejects. */
export async function byTcp({ server, query, recursive, patienceMs, turn }: Exchange): Promise<Reply | 'truncated'> {
  await turn()
  const id = randomInt(65_536)
  const { promise, resolve } = Promise.withResolvers<Reply | 'truncated'>()
  const socket = connect(server.port, server.address)
  let received = Buffer.alloc(0)
  socket.on('error', (error) => resolve(troubleWith(error)))
  socket.on('close', () => resolve({ is: 'unknown', why: 'the connection ended before its answer' }))
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk])
    // RFC 1035 section 4.2.2: the message follows its length in two octets, so at most 64 KiB are kept.
    const length = received.length < 2 ? Number.POSITIVE_INFINITY : received.readUInt16BE(0)
    if (received.length - 2 < length) return
    resolve(replyIn(received.subarray(2, 2 + length), id, query) ?? { is: 'unknown', why: 'nonsense' })
  })
  const message = questionMessage(id, query, recursive)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  socket.write(Buffer.concat([length, message]))
  return within(patienceMs, promise, resolve, () => socket.destroy())
}

const troubleWith = (error: NodeJS.ErrnoException): Reply => ({ is: 'unknown', why: error.code ?? error.message })

async function within(
  ms: number,
  promise: Promise<Reply | 'truncated'>,
  resolve: (reply: Reply) => void,
  close: () => void,
): Promise<Reply | 'truncated'> {
  const timer = setTimeout(() => resolve({ is: 'unknown', why: `no answer within ${ms / 1000} s` }), ms)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    close()
  }
}
