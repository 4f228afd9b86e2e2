/** A reply that comes before the content has left for the smarthost is not taken for a yes to that content. */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { capabilitiesOf } from '../../../relay/delivery/capabilities.ts'
import { classifyTransaction } from '../../../relay/delivery/classify.ts'
import { Client } from '../../../relay/delivery/client.ts'
import { Wire } from '../../../relay/delivery/wire.ts'
import { allWithin } from './rig.ts'

type Told = (sent: () => void, say: (more: string) => void) => unknown

/**
 * A peer that answers the commands at once. When the content is written, it says `early` (or ends, where that is null) before
 * it lets `told` say that the write is done, if ever. `toldCommands` says so of the write of the commands.
 */
function peerThatAnswers(early: string | null, told: Told, toldCommands: Told = (sent) => sent()): Socket {
  let inContent = false
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, sent) {
      const say = (more: string): unknown => socket.push(more)
      if (inContent) {
        socket.push(early)
        told(sent, say)
        return
      }
      inContent = chunk.includes('DATA\r\n')
      toldCommands(sent, say)
      socket.push(inContent ? '250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go on\r\n' : '250 2.0.0 ok\r\n')
    },
  })
  return socket as Socket
}

/** Says that the write is done one round of the event loop later. */
const soon: Told = (sent) => setImmediate(() => sent())

async function transactWith(peer: Socket) {
  const wire = new Wire(peer, allWithin(200))
  const client = new Client(wire, 'client.test', capabilitiesOf({ code: 250, lines: ['x', 'PIPELINING'] }), '', '')
  const encoded = Buffer.from('hi\r\n.\r\n')
  const content = { kind: 'whole', encoded, octets: 4, eightBit: false, utf8Header: false } as const
  const mailing = { reversePath: 'a@b.test', forwardPaths: ['c@d.test'], parameters: '', content }
  const outcomes = classifyTransaction(await client.transact(mailing), 1)
  return { client, kinds: outcomes.map((outcome) => outcome.kind) }
}

test.each([
  ['250 2.0.0 queued\r\n', 'deferred'],
  ['250 2.0.0 que', 'deferred'],
  ['452 4.3.1 no room\r\n', 'deferred'],
  ['554 5.7.1 no\r\n', 'bounced'],
])('a small content that is answered %j before it has left is %s', async (early, kind) => {
  const { client, kinds } = await transactWith(peerThatAnswers(early, () => {}))
  expect(kinds).toEqual([kind])
  expect(client.usable).toBe(false)
})

test('a write that is reported done after the answer to it, as over TLS, had left before that answer', async () => {
  const { client, kinds } = await transactWith(peerThatAnswers('250 2.0.0 queued\r\n', soon))
  expect(kinds).toEqual(['delivered'])
  expect(client.usable).toBe(true)
})

test.each([
  ['answered', '250 2.0.0 queued\r\n'],
  ['lost', null],
])('content that is %s before it has left is not taken, although the commands before it have left', async (_name, early) => {
  const peer = peerThatAnswers(early, () => {}, soon)
  const { client, kinds } = await transactWith(peer)
  expect(kinds).toEqual(['deferred'])
  expect(client.usable).toBe(false)
})

test.each([
  ['250-2.0.0 on its way\r\n', '250 2.0.0 queued\r\n'],
  ['25', '0 2.0.0 queued\r\n'],
])('a yes that begins (%j) before the final dot has left, and ends (%j) after that, leaves open whether the message was taken', async (early, rest) => {
  const sentLate: Told = async (sent, say) => {
    for (let rounds = 0; rounds < 3; rounds++) await turn()
    sent()
    await turn()
    say(rest)
  }
  const { client, kinds } = await transactWith(peerThatAnswers(early, sentLate))
  expect(kinds).toEqual(['ambiguous'])
  expect(client.usable).toBe(false)
})

test('case U16: a refusal in the middle of the content, with a reset behind it, is read before more is written', async () => {
  let isReset = false
  const peer = new Duplex({
    read() {},
    write(_chunk, _encoding, sent) {
      if (isReset) return sent(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
      isReset = true
      // The reply is with the kernel, and is read only when the event loop asks for it.
      setImmediate(() => peer.push('552 5.3.4 too big\r\n'))
      return sent()
    },
  })
  async function* chunks() {
    for (let i = 0; i < 5; i++) yield Buffer.from('x\r\n')
  }
  const answer = await new Wire(peer as Socket, allWithin(20_000)).stream(chunks())
  expect(answer).toEqual({ kind: 'reply', reply: { code: 552, lines: ['5.3.4 too big'] } })
})
