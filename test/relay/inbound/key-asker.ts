/** A client of TLS 1.3 that takes new keys, and asks for new ones of the relay, as fast as it can, and reads nothing at first (RFC 8446). */
import { createCipheriv, hash } from 'node:crypto'
import { once } from 'node:events'
import { createConnection, type NetConnectOpts } from 'node:net'
import { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { closers, reply } from './clients.ts'

/** The suite whose hash and key are those below. */
const ciphers = 'TLS_AES_128_GCM_SHA256'

/** Connects, and reads a greeting. */
export async function keyAsker(to: NetConnectOpts): Promise<KeyAsker> {
  const plain = createConnection(to).on('error', () => {})
  closers.push(() => void plain.destroy())
  const closed = once(plain, 'close')
  // TLS is a stream above, and does not take the socket over: records that are made here go to the socket itself.
  const below = new Duplex({ read: () => {}, write: (chunk, _, written) => void plain.write(chunk, written) })
  plain.on('data', (octets) => below.push(octets))
  const tls = connectTls({ socket: below, rejectUnauthorized: false, minVersion: 'TLSv1.3', ciphers })
  let secret: Uint8Array = new Uint8Array()
  tls
    .on('error', () => {})
    .on('keylog', (line: Buffer) => {
      const [label, , hex = ''] = line.toString().trim().split(' ')
      if (label === 'CLIENT_TRAFFIC_SECRET_0') secret = Buffer.from(hex, 'hex')
    })
  await reply(tls)
  plain.pause()
  const before = plain.bytesRead
  return {
    async ask(times, said = '') {
      const records = said === '' ? [] : [record(secret, Buffer.from(said), data, 0)]
      for (let n = 0; n < times; n += 1) {
        records.push(record(secret, keyUpdate, handshake, n === 0 ? records.length : 0))
        secret = labels.next(secret)
      }
      const sent = new Promise((resolve) => plain.write(Buffer.concat(records), resolve))
      await Promise.race([sent, closed])
      // The system may have taken it all at once: the relay, in the same process, is to have its turn.
      await turn()
    },
    read: () => void plain.resume(),
    octets: () => plain.bytesRead - before,
  }
}

type KeyAsker = {
  /** Says something, and takes so many keys, without waiting for those that it asks for. */
  ask(times: number, said?: string): Promise<void>
  read(): void
  /** So many octets have come to it since the greeting. */
  octets(): number
}

/** A KeyUpdate with update_requested (section 4.6.3); and types of records, which are encrypted behind what they are of (section 5.2). */
const keyUpdate = Uint8Array.of(24, 0, 0, 1, 1)
const [handshake, data] = [22, 23]

/** `nth`: so many records came before it under the same secret, fewer than 256. */
function record(secret: Uint8Array, content: Uint8Array, type: number, nth: number): Uint8Array {
  const length = content.length + 17
  const head = Uint8Array.of(23, 3, 3, length >> 8, length & 255)
  const nonce = labels.iv(secret).subarray(0, 12)
  nonce[11] = (nonce[11] ?? 0) ^ nth
  const cipher = createCipheriv('aes-128-gcm', labels.key(secret).subarray(0, 16), nonce).setAAD(head)
  const sealed = [cipher.update(content), cipher.update(Uint8Array.of(type)), cipher.final()]
  return Buffer.concat([head, ...sealed, cipher.getAuthTag()])
}

/** HKDF-Expand-Label without a context (section 7.1). The HMAC is written out: Node's own takes ten times as long. */
function expanding(label: string, length: number): (secret: Uint8Array) => Buffer {
  const name = Buffer.from(`tls13 ${label}`)
  const info = Uint8Array.of(0, length, name.length, ...name, 0, 1)
  return (secret) => {
    const [inner, outer] = [new Uint8Array(64 + info.length).fill(0x36, 0, 64), new Uint8Array(96).fill(0x5c, 0, 64)]
    for (const [i, octet] of secret.entries()) {
      inner[i] = octet ^ 0x36
      outer[i] = octet ^ 0x5c
    }
    inner.set(info, 64)
    outer.set(hash('sha256', inner, 'buffer'), 64)
    return hash('sha256', outer, 'buffer')
  }
}

const labels = { key: expanding('key', 16), iv: expanding('iv', 12), next: expanding('traffic upd', 32) } as const
