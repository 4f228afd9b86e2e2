/** The server's end of a WebSocket (RFC 6455), as far as a kubelet needs it: binary messages that are not fragmented. */
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

export type WebSocketEnd = {
  send(message: Buffer): void
  close(): void
}

type Heard = { readonly message: (message: Buffer) => void; readonly close: () => void }

const opcodes = { binary: 2, close: 8 } as const

/** Accepts the upgrade, with the subprotocol that is spoken. */
export function acceptWebSocket(
  { headers }: IncomingMessage,
  socket: Duplex,
  protocol: string,
  heard: Heard,
): WebSocketEnd {
  const accept = createHash('sha1')
    .update(`${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64')
  const answer = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade']
  const about = [`Sec-WebSocket-Accept: ${accept}`, `Sec-WebSocket-Protocol: ${protocol}`]
  socket.write(`${[...answer, ...about].join('\r\n')}\r\n\r\n`)
  let rest = Buffer.alloc(0)
  socket.on('error', () => undefined)
  socket.on('close', heard.close)
  socket.on('data', (octets: Buffer) => {
    rest = Buffer.concat([rest, octets])
    for (let frame = frameIn(rest); frame !== undefined; frame = frameIn(rest)) {
      rest = rest.subarray(frame.length)
      if (frame.opcode === opcodes.binary) heard.message(frame.payload)
      if (frame.opcode === opcodes.close) socket.end()
    }
  })
  return {
    send: (message) => socket.write(Buffer.concat([head(opcodes.binary, message.length), message])),
    close: () => socket.end(head(opcodes.close, 0)),
  }
}

function head(opcode: number, length: number): Buffer {
  const first = 0x80 | opcode
  if (length < 126) return Buffer.of(first, length)
  const long = Buffer.alloc(10)
  long[0] = first
  long[1] = 127
  long.writeBigUInt64BE(BigInt(length), 2)
  return long
}

type Frame = { readonly opcode: number; readonly payload: Buffer; readonly length: number }

/** The first frame, unmasked (a client masks, RFC 6455 section 5.3); undefined while it has not arrived whole. */
function frameIn(octets: Buffer): Frame | undefined {
  if (octets.length < 2) return undefined
  const short = octets.readUInt8(1) & 0x7f
  const extra = short === 126 ? 2 : short === 127 ? 8 : 0
  const start = 2 + extra + 4
  if (octets.length < start) return undefined
  const size = extra === 0 ? short : extra === 2 ? octets.readUInt16BE(2) : Number(octets.readBigUInt64BE(2))
  if (octets.length < start + size) return undefined
  const mask = octets.subarray(2 + extra, start)
  const payload = Buffer.from(octets.subarray(start, start + size).map((octet, i) => octet ^ (mask[i % 4] ?? 0)))
  return { opcode: octets.readUInt8(0) & 0x0f, payload, length: start + size }
}
