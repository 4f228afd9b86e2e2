/** Signs one message for one attempt: it sees the content once, and gives the fields that go before it. */
import { createHash, type KeyObject, sign } from 'node:crypto'
import type { SigningKeyConfig } from '../config.ts'
import { headerEnd } from '../mail/header.ts'
import type { SigningKey } from '../mail/keyring.ts'
import type { AtMost } from './at-most.ts'
import { BodyHash } from './dkim-body.ts'
import { coveredHeader } from './dkim-header.ts'
import { hashedOf, signedField, unsigned } from './dkim-signature.ts'

/** RSA hashes the data itself; Ed25519 is given the SHA-256 of it, which is what it signs (RFC 8463 section 3). */
const methods: Readonly<Record<SigningKeyConfig['algorithm'], (data: string, key: KeyObject) => Promise<Buffer>>> = {
  'rsa-sha256': (data, key) => signed('sha256', Buffer.from(data, 'latin1'), key),
  'ed25519-sha256': (data, key) => signed(null, createHash('sha256').update(data, 'latin1').digest(), key),
}

/** With a callback it is done in libuv's threads. */
const signed = (digest: string | null, data: Buffer, key: KeyObject): Promise<Buffer> =>
  new Promise((resolve, reject) =>
    sign(digest, data, key, (error, signature) => (error ? reject(error) : resolve(signature))),
  )

export class Seal {
  readonly #keys: readonly SigningKey[]
  readonly #turns: AtMost
  readonly #now: number
  readonly #body = new BodyHash()
  #header: Buffer | undefined
  /** What has come so far, until the end of the header is in it. */
  #held: Buffer = Buffer.alloc(0)

  constructor(keys: readonly SigningKey[], turns: AtMost, now: number) {
    this.#keys = keys
    this.#turns = turns
    this.#now = now
  }

  /** Chunks of the content, in their order. */
  take(chunk: Buffer): void {
    if (this.#header !== undefined) {
      this.#body.update(chunk)
      return
    }
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    const end = headerEnd(this.#held)
    if (end === -1) return
    this.#header = this.#held.subarray(0, end)
    this.#body.update(this.#held.subarray(end))
  }

  /** After the last chunk: one DKIM-Signature for each key, the first key's on top. */
  async fields(): Promise<Buffer> {
    const covered = coveredHeader((this.#header ?? this.#held).toString('latin1'))
    const bodyHash = this.#body.digest()
    const fields = this.#keys.map(({ key, ...own }) => {
      const value = unsigned({ ...own, names: covered.names, bodyHash, now: this.#now })
      const data = covered.hashed + hashedOf(value)
      return this.#turns.run(async () => signedField(value, await methods[own.algorithm](data, key)))
    })
    return Buffer.from((await Promise.all(fields)).join(''), 'latin1')
  }
}
