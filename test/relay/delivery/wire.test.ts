/** What a peer sends is read as far as a reply may go, and no further. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Wire } from '../../../relay/delivery/wire.ts'
import { allWithin } from './rig.ts'

/** A peer that says nothing by itself. */
function silentPeer() {
  const peer = new Duplex({ read() {}, write: (_chunk, _encoding, sent) => sent() })
  return Object.assign(peer, { unref: () => peer }) as Duplex & Socket
}

/** Pushes these, each as a read of its own, as long as somebody reads. */
async function saysInPieces(peer: Duplex, pieces: Iterable<string>): Promise<number> {
  let said = 0
  for (const piece of pieces) {
    if (peer.destroyed) break
    peer.push(piece)
    said++
    await turn()
  }
  return said
}

test.each([
  [250, { kind: 'reply', reply: { code: 250 } }],
  [500_000, { kind: 'none', cause: 'malformed', why: 'a reply in too many pieces' }],
])('case U19: of a reply of %d octets, each in a read of its own as in a TLS record, no more is read than any server says', async (octets, answer) => {
  const peer = silentPeer()
  const wire = new Wire(peer, allWithin(20_000))
  const asked = wire.exchange('NOOP\r\n', ['MAIL'])
  const line = `250-${'x'.repeat(1994)}\r\n`
  const reply = `${line.repeat(octets / 2000)}250 ${'x'.repeat(octets % 2000)}\r\n`
  expect(await saysInPieces(peer, reply)).toBeLessThan(1100)
  expect(await asked).toMatchObject([answer])
  wire.destroy('the test is over')
})

test('case U19: behind QUIT a peer is read until it has taken its leave, and not for as long as it talks', async () => {
  const peer = silentPeer()
  const wire = new Wire(peer, allWithin(20_000))
  wire.quit()
  const talk = Array.from({ length: 1000 }, () => '250 2.0.0 you are welcome\r\n')
  expect(await saysInPieces(peer, talk)).toBeLessThan(200)
  expect(peer.destroyed).toBe(true)
})

test('a disk that hangs in the middle of a content is no silence of the peer, and is not charged to it (case U01)', async () => {
  const peer = silentPeer()
  const { promise: hangs, resolve: comesBack } = Promise.withResolvers<void>()
  async function* chunks() {
    yield Buffer.from('x\r\n')
    await hangs
    yield Buffer.from('y\r\n')
  }
  const sent = new Wire(peer, allWithin(50)).stream(chunks())
  await once(peer, 'close')
  comesBack()
  expect(await sent).toMatchObject({ kind: 'none', cause: 'unreadable' })
})

test('a peer that takes no more octets of a content is silent (case U01)', async () => {
  const peer = Object.assign(new Duplex({ read() {}, write() {}, highWaterMark: 1 }), {
    unref: () => peer,
  }) as Duplex & Socket
  async function* chunks() {
    yield Buffer.from('x\r\n')
  }
  expect(await new Wire(peer, allWithin(50)).stream(chunks())).toMatchObject({ kind: 'none', cause: 'silent' })
})
