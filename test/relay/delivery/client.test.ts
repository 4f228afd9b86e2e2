/** A client whose octets do not leave: what is answered before they have is no answer to them. */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { expect, test } from 'vitest'
import { capabilitiesOf } from '../../../relay/delivery/capabilities.ts'
import { classifyTransaction } from '../../../relay/delivery/classify.ts'
import { Client } from '../../../relay/delivery/client.ts'
import { Wire } from '../../../relay/delivery/wire.ts'
import { allWithin } from './rig.ts'

/** A peer that answers the commands at once, and whatever is said after its 354 stays in our hands for good. */
function peerThatTakesNothing(early: string): Socket {
  let inContent = false
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, sent) {
      if (inContent) {
        socket.push(early)
        return
      }
      inContent = chunk.includes('DATA\r\n')
      sent()
      socket.push(inContent ? '250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go on\r\n' : '250 2.0.0 ok\r\n')
    },
  })
  return socket as Socket
}

test.each([
  ['250 2.0.0 queued\r\n', 'deferred'],
  ['250 2.0.0 que', 'deferred'],
  ['452 4.3.1 no room\r\n', 'deferred'],
  ['554 5.7.1 no\r\n', 'bounced'],
])('a small content that was answered %j before it left: %s', async (early, kind) => {
  const wire = new Wire(peerThatTakesNothing(early), allWithin(200))
  const client = new Client(wire, capabilitiesOf({ code: 250, lines: ['x', 'PIPELINING'] }), '')
  const encoded = Buffer.from('hi\r\n.\r\n')
  const content = { kind: 'whole', encoded, octets: 4, eightBit: false, utf8Header: false } as const
  const mailing = { reversePath: 'a@b.test', forwardPaths: ['c@d.test'], parameters: '', content }
  const outcomes = classifyTransaction(await client.transact(mailing), 1)
  expect(outcomes.map((outcome) => outcome.kind)).toEqual([kind])
  expect(client.usable).toBe(false)
})
