/** Decides by the configuration in force whether a message leaves signed, as it is, or not yet; and knows which keys are in use. */
import type { LoadedConfig } from '../config.ts'
import type { Events } from '../events.ts'
import type { SigningStatus } from '../http.ts'
import type { Keyrings } from '../keys/keyrings.ts'
import { brokenText } from '../mail/broken-text.ts'
import type { Envelope } from '../mail/envelope.ts'
import { type BrokenKey, type Keyring, problemOf, type SigningKey } from '../mail/keyring.ts'
import { type Reply, reply } from '../mail/reply.ts'
import { AtMost } from './at-most.ts'
import { Seal } from './seal.ts'

export type Leaving =
  | { readonly kind: 'asItIs' }
  /** `ended` is called once, after the attempt. */
  | { readonly kind: 'signed'; readonly seal: Seal; readonly ended: () => void }
  | { readonly kind: 'held'; readonly reply: Reply }

type Parts = {
  readonly events: Pick<Events, 'signed' | 'unsigned' | 'unverifiable'>
  readonly now: () => number
  readonly keyrings: Keyrings
}

/** Half of libuv's four threads: the disk keeps the others. */
const atOnce = 2

export class Signer {
  readonly #parts: Parts
  readonly #turns = new AtMost(atOnce)
  #keyring: Keyring | undefined
  #brokenDomains: NonNullable<LoadedConfig['config']['brokenDomains']> = []
  /** Attempts under way, by the key that signed for them. */
  readonly #out = new Map<string, { readonly key: Pick<SigningKey, 'domain' | 'selector'>; attempts: number }>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Applies to the next attempt; those under way go on with what they were signed with. */
  reload(loaded: LoadedConfig): void {
    this.#brokenDomains = loaded.config.brokenDomains ?? []
    this.#keyring = this.#parts.keyrings.of(loaded)
  }

  begin({ queueId, signingDomain }: Envelope): Leaving {
    const now = this.#parts.now()
    const unverifiable = this.#brokenDomains.find(({ domain }) => domain === signingDomain)
    if (unverifiable !== undefined) {
      this.#parts.events.unverifiable(queueId, unverifiable)
      return { kind: 'held', reply: reply(451, '7.5', brokenText(unverifiable)) }
    }
    const signing = signingDomain === undefined ? undefined : this.#keyring?.signingOf(signingDomain, now)
    if (signing === undefined) return { kind: 'asItIs' }
    const [broken] = signing.broken
    const held = broken !== undefined && signing.whenBroken !== 'Warn'
    if (broken !== undefined) this.#parts.events.unsigned(queueId, broken, held)
    if (held) return { kind: 'held', reply: heldBack(broken) }
    if (signing.keys.length === 0) return { kind: 'asItIs' }
    for (const key of signing.keys) {
      this.#count(key, 1)
      this.#parts.events.signed(key.algorithm)
    }
    const ended = (): void => {
      for (const key of signing.keys) this.#count(key, -1)
    }
    return { kind: 'signed', seal: new Seal(signing.keys, this.#turns, now), ended }
  }

  status(): SigningStatus {
    const leaving = [...this.#out.values()]
      .filter(({ key }) => !this.#keyring?.names(key))
      .map(({ key, attempts }) => ({ ...key, attempts }))
    return { broken: this.#keyring?.broken(this.#parts.now()) ?? [], leaving }
  }

  #count({ domain, selector }: SigningKey, by: number): void {
    const name = `${domain} ${selector}`
    const entry = this.#out.get(name) ?? { key: { domain, selector }, attempts: 0 }
    entry.attempts += by
    if (entry.attempts > 0) this.#out.set(name, entry)
    else this.#out.delete(name)
  }
}

/** RFC 3463 X.7.5: what a cryptographic operation needs is not available. */
const heldBack = (broken: BrokenKey): Reply =>
  reply(451, '7.5', `mail of ${broken.domain} leaves only signed: ${problemOf(broken)}`)
