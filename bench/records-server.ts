/** A name server for the records of any number of domains, in a process of its own; it counts the questions. */
import { createSocket } from 'node:dgram'
import * as packet from 'dns-packet'

const address = process.argv[2] ?? ''
const broken = new Set<string>()
let asked = 0

const recordOf = (type: string, name: string): packet.Answer | undefined => {
  const answer = { name, ttl: 60 } as const
  if (type === 'NS' && /^d\d+\.example$/.test(name)) return { ...answer, type: 'NS', data: 'ns.example' }
  if (type === 'A' && name === 'ns.example') return { ...answer, type: 'A', data: address }
  if (type !== 'TXT' || broken.has(name)) return undefined
  if (name.startsWith('_dmarc.')) return { ...answer, type: 'TXT', data: 'v=DMARC1; p=none' }
  if (name.includes('._domainkey.')) return { ...answer, type: 'TXT', data: 'v=DKIM1; k=ed25519; p=AAAA' }
  return { ...answer, type: 'TXT', data: 'v=spf1 ip4:192.0.2.0/24 -all' }
}

const socket = createSocket({ type: 'udp4', recvBufferSize: 4_000_000 })
socket.on('message', (message, from) => {
  asked += 1
  const { id = 0, questions = [] } = packet.decode(message)
  const [question] = questions
  if (question === undefined) return
  const record = recordOf(question.type, question.name)
  const flags = packet.AUTHORITATIVE_ANSWER | packet.RECURSION_AVAILABLE | (record === undefined ? 3 : 0)
  const answers = record === undefined ? [] : [record]
  socket.send(packet.encode({ type: 'response', id, flags, questions: [question], answers }), from.port, from.address)
})
socket.bind(53, address, () => process.send?.({ is: 'ready' }))

process.on('message', (told: { readonly breaks?: readonly string[] }) => {
  for (const name of told.breaks ?? []) broken.add(name)
  process.send?.({ is: 'counted', asked })
})
process.on('disconnect', () => process.exit())
