/** The code of a DNS answer (RFC 1035 section 4.1.1): Node tells the first six, and calls any other an answer without a record. */
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { isIP } from 'node:net'
import { within } from '../within.ts'

export const questionTypes = { a: 1, mx: 15, aaaa: 28 } as const

/** For one datagram, which may get lost. */
const patienceMs = 1000

/** `server` as Resolver.getServers has it. Undefined where no answer comes, or the name can not be asked for. */
export async function responseCode(server: string, name: string, type: number): Promise<number | undefined> {
  const [host, port] = partsOf(server)
  const labels = name.split('.')
  if (labels.some((label) => label === '' || label.length > 63) || isIP(host) === 0) return undefined
  const id = randomInt(0x1_0000)
  const socket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4').unref()
  let code: number | undefined
  const heard = new Promise<void>((resolve) => {
    socket
      .on('error', () => resolve())
      .on('message', (answer, from) => {
        if (answer.length < 12 || answer.readUInt16BE(0) !== id || from.port !== port) return
        code = answer.readUInt8(3) & 0x0f
        resolve()
      })
  })
  socket.send(question(id, labels, type), port, host)
  await within(patienceMs, heard)
  socket.close()
  return code
}

function partsOf(server: string): readonly [host: string, port: number] {
  if (isIP(server) !== 0) return [server, 53]
  const at = server.lastIndexOf(':')
  return [server.slice(0, at).replace(/^\[|\]$/g, ''), Number(server.slice(at + 1))]
}

/** One question, with recursion desired. */
function question(id: number, labels: readonly string[], type: number): Buffer {
  const head = Buffer.from([id >> 8, id & 0xff, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0])
  const named = labels.flatMap((label) => [Buffer.of(label.length), Buffer.from(label, 'latin1')])
  return Buffer.concat([head, ...named, Buffer.of(0, 0, type, 0, 1)])
}
