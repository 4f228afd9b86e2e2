/** A DNS server on this machine that answers by a table, over UDP and TCP; written with dns-packet. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server as TcpServer } from 'node:net'
import * as packet from 'dns-packet'
import type { Server } from '../../../operator/dns/server.ts'
import { onTestFinished } from '../../own-test.ts'

export type Behaviour =
  | {
      readonly answers?: readonly packet.Answer[]
      readonly authorities?: readonly packet.Answer[]
      readonly code?: 'NXDOMAIN' | 'SERVFAIL' | 'REFUSED'
      /** Whether the answer is authoritative (the AA bit, RFC 1035 section 4.1.1); true by default. */
      readonly own?: boolean
    }
  | 'silence'
  /** The answers of somebody who forges them by guessing: another id, or another question, than was asked. */
  | 'another id'
  | 'another question'
  | 'garbage'

/**
 * Keys are `TXT example.org`, or `TXT example.org unverified` for questions that turn off the check of signatures (the CD bit,
 * RFC 4035 section 3.2.2). Names that are not in the table do not exist. A function gets how often the question came before.
 */
export type Table = { [question: string]: Behaviour | ((time: number) => Behaviour) }

export const txt = (name: string, ...texts: readonly string[]): readonly packet.Answer[] =>
  texts.map((text) => ({ type: 'TXT', name, ttl: 60, data: text.match(/.{1,255}/g) ?? [''] }))
export const cname = (name: string, target: string): packet.Answer => ({ type: 'CNAME', name, ttl: 60, data: target })

const codes = { NXDOMAIN: 3, SERVFAIL: 2, REFUSED: 5 } as const
const udpOctets = 1232

/** Starts the server, which is stopped when the test ends; `asked` has the keys of all questions. */
export async function startZoneServer(table: Table, address = '127.0.0.1', port = 0) {
  const asked: string[] = []
  const answer = (message: Buffer, most: number): Buffer | undefined => {
    const query = packet.decode(message)
    const [question = { name: '', type: 'TXT' as const }] = query.questions ?? []
    const key = `${question.type} ${question.name}`
    const unverified = query.flag_cd ? table[`${key} unverified`] : undefined
    const entry = unverified ?? table[key] ?? { code: 'NXDOMAIN', own: true }
    const behaviour = typeof entry === 'function' ? entry(asked.filter((one) => one === key).length) : entry
    asked.push(key)
    return encoded(query, question, behaviour, most)
  }
  const udp = createSocket('udp4')
  udp.on('message', (message, from) => {
    const reply = answer(message, udpOctets)
    if (reply !== undefined) udp.send(reply, from.port, from.address)
  })
  const tcp = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (data) => {
      const reply = answer(Buffer.from(data.subarray(2)), 65_535)
      if (reply === undefined) return
      const length = Buffer.alloc(2)
      length.writeUInt16BE(reply.length)
      socket.write(Buffer.concat([length, reply]))
    })
  })
  const server: Server = { address, port: await bindBoth(udp, tcp, address, port) }
  onTestFinished(() => {
    udp.close()
    tcp.close()
  })
  return { server, table, asked }
}

/** Binds both to one port; if another process has it for UDP, and any port will do, it tries another one. */
async function bindBoth(udp: Socket, tcp: TcpServer, address: string, port: number): Promise<number> {
  for (let left = port === 0 ? 10 : 1; ; left -= 1) {
    tcp.listen(port, address)
    await once(tcp, 'listening')
    const { port: chosen } = tcp.address() as AddressInfo
    try {
      udp.bind(chosen, address)
      await once(udp, 'listening')
      return chosen
    } catch (error) {
      if (left <= 1) throw error
      tcp.close()
      await once(tcp, 'close')
    }
  }
}

function encoded(
  query: packet.DecodedPacket,
  question: packet.Question,
  behaviour: Behaviour,
  most: number,
): Buffer | undefined {
  if (behaviour === 'silence') return undefined
  if (behaviour === 'garbage') return Buffer.from('this is no DNS message at all, whatever it is')
  const { answers = [], authorities = [], code, own = true } = typeof behaviour === 'string' ? {} : behaviour
  const flags =
    (own ? packet.AUTHORITATIVE_ANSWER : 0) | packet.RECURSION_AVAILABLE | (code === undefined ? 0 : codes[code])
  const id = ((query.id ?? 0) + (behaviour === 'another id' ? 1 : 0)) & 0xffff
  const questions = [behaviour === 'another question' ? { ...question, name: 'elsewhere.example' } : question]
  const whole = packet.encode({
    type: 'response',
    id,
    flags,
    questions,
    answers: [...answers],
    authorities: [...authorities],
  })
  if (whole.length <= most) return whole
  return packet.encode({ type: 'response', id, flags: flags | packet.TRUNCATED_RESPONSE, questions })
}
