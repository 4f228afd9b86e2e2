/** A DNS server on this machine that answers by a table: with records, aliases, errors, forged answers, or not at all. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { onTestFinished } from '../../own-test.ts'

export type Entry =
  | { readonly mx: readonly [preference: number, exchange: string] }
  | { readonly a: string }
  | { readonly aaaa: string }
  | { readonly cname: string }
  | { readonly ns: string }

/** The records of a name: the answer has those of the type that is asked for, and an alias in any case. */
export type Behaviour =
  | readonly Entry[]
  | 'NXDOMAIN'
  | 'SERVFAIL'
  | 'REFUSED'
  | 'NOTAUTH'
  | 'truncated'
  | 'silence'
  | 'another id'
  | 'garbage'
/** Names that are not in it do not exist, except the root (''), whose name servers every resolver knows. */
export type Table = { [name: string]: Behaviour | ((time: number, type: number) => Behaviour) }

export const types = { a: 1, ns: 2, cname: 5, mx: 15, aaaa: 28 } as const
const root: readonly Entry[] = [{ ns: 'a.root-servers.test' }]
const codes = { NXDOMAIN: 3, SERVFAIL: 2, REFUSED: 5, NOTAUTH: 9 } as const

/** Starts the server, which is stopped when the test ends. The table may be changed while it runs. */
export async function startNameServer(table: Table) {
  const socket = createSocket('udp4')
  const asked: string[] = []
  socket.on('message', (question, { port, address }) => {
    const { name, type, end } = questionIn(question)
    const time = asked.filter((one) => one === `${name} ${type}`).length
    asked.push(`${name} ${type}`)
    const entry = table[name] ?? (name === '' ? root : 'NXDOMAIN')
    const behaviour = typeof entry === 'function' ? entry(time, type) : entry
    if (behaviour !== 'silence') socket.send(answer(question.subarray(0, end), type, behaviour), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  onTestFinished(() => void socket.close())
  return {
    server: `127.0.0.1:${socket.address().port}`,
    table,
    /** How often a name was asked for, whatever the type. */
    times: (name: string) => asked.filter((one) => one.startsWith(`${name} `)).length,
  }
}

function questionIn(message: Buffer): { readonly name: string; readonly type: number; readonly end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length).toLowerCase())
    at += length + 1
  }
  return { name: labels.join('.'), type: message.readUInt16BE(at + 1), end: at + 5 }
}

function answer(question: Buffer, type: number, behaviour: Exclude<Behaviour, 'silence'>): Buffer {
  if (behaviour === 'garbage') return Buffer.from('this is no DNS message at all, whatever it is')
  const records = typeof behaviour === 'string' ? [] : behaviour.filter((r) => answers(r, type)).map(encoded)
  const code = typeof behaviour === 'string' && behaviour in codes ? codes[behaviour as keyof typeof codes] : 0
  const message = Buffer.concat([question, ...records])
  if (behaviour === 'another id') message.writeUInt16BE((message.readUInt16BE(0) + 1) & 0xffff, 0)
  // It is not there over TCP, where the whole answer would be.
  message.writeUInt16BE(0x8180 | code | (behaviour === 'truncated' ? 0x0200 : 0), 2)
  message.writeUInt16BE(records.length, 6)
  message.writeUInt16BE(0, 8)
  message.writeUInt16BE(0, 10)
  return message
}

const typeOf = (record: Entry): number => types[Object.keys(record)[0] as keyof typeof types]
const answers = (record: Entry, type: number): boolean => 'cname' in record || typeOf(record) === type

function encoded(record: Entry): Buffer {
  const data = dataOf(record)
  const head = Buffer.alloc(12)
  // A pointer to the name in the question (RFC 1035 section 4.1.4).
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(typeOf(record), 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(60, 6)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}

function dataOf(record: Entry): Buffer {
  if ('a' in record) return Buffer.from(record.a.split('.').map(Number))
  if ('aaaa' in record) return octetsOf(record.aaaa)
  if ('cname' in record) return nameOf(record.cname)
  if ('ns' in record) return nameOf(record.ns)
  const [preference, exchange] = record.mx
  return Buffer.concat([Buffer.from([preference >> 8, preference & 255]), nameOf(exchange)])
}

const nameOf = (name: string): Buffer =>
  Buffer.concat([
    ...name
      .split('.')
      .filter((label) => label !== '')
      .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')])),
    Buffer.from([0]),
  ])

/** The 16 octets of an IPv6 address that is written with one `::`. */
function octetsOf(address: string): Buffer {
  const [left = [], right = []] = address.split('::').map((half) => (half === '' ? [] : half.split(':')))
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right]
  return Buffer.from(groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]))
}
