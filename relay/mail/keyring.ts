/** The signing keys of one configuration: how the mail of each domain is signed now, and which keys can not sign. Pure. */
import type { KeyObject } from 'node:crypto'
import type { LoadedConfig, SigningConfig, SigningKeyConfig } from '../config.ts'
import { readSigningKey } from './signing-key.ts'

export type SigningKey = Omit<SigningKeyConfig, 'keyFile'> & { readonly domain: string; readonly key: KeyObject }

/** A key as it was read from a file's text (undefined: there is no file), or what is wrong with it. */
type Read = { readonly pem: string | undefined; readonly key: KeyObject | string }

/** A key that can not sign, and why; the selector is empty for a domain that has no key at all. */
export type BrokenKey = { readonly domain: string; readonly selector: string; readonly problem: string }

export const problemOf = ({ selector, problem }: BrokenKey): string =>
  selector === '' ? problem : `key ${selector} can not be used: ${problem}`

/** How the mail of one domain is signed now: one signature for each of `keys`. `broken` is empty where every key can sign. */
export type Signing = {
  readonly whenBroken: SigningConfig['whenBroken']
  readonly keys: readonly SigningKey[]
  readonly broken: readonly BrokenKey[]
}

/** So many keys are read before other work has its turn: a few milliseconds. */
const atOnce = 20

export class Keyring {
  readonly #domains: ReadonlyMap<string, SigningConfig>
  readonly #read = new Map<string, Read>()

  private constructor(signing: readonly SigningConfig[]) {
    this.#domains = new Map(signing.map((one) => [one.domain, one]))
  }

  /** Reads the keys, at most `atOnce` at each step. Those that `before` has read from the same text are not read again. */
  static *reading({ config, files }: LoadedConfig, before?: Keyring): Generator<void, Keyring, void> {
    const keyring = new Keyring(config.signing ?? [])
    const known = before === undefined ? new Map<string, Read>() : before.#read
    let read = 0
    for (const { domain, keys } of keyring.#domains.values()) {
      for (const key of keys) {
        const pem = files.get(key.keyFile)
        const name = nameOf(domain, key)
        const same = known.get(name)
        const isKnown = same !== undefined && same.pem === pem
        keyring.#read.set(name, isKnown ? same : { pem, key: readSigningKey(domain, key, pem) })
        if (!isKnown && ++read % atOnce === 0) yield
      }
    }
    return keyring
  }

  /** Undefined where the configuration does not sign mail of this domain. `now`: milliseconds since the epoch. */
  signingOf(domain: string, now: number): Signing | undefined {
    const signing = this.#domains.get(domain)
    return signing && this.#standingOf(signing, now)
  }

  /** Whether the configuration names this key, whether or not it can sign. */
  names({ domain, selector }: Pick<SigningKey, 'domain' | 'selector'>): boolean {
    return this.#domains.get(domain)?.keys.some((key) => key.selector === selector) ?? false
  }

  broken(now: number): readonly BrokenKey[] {
    return [...this.#domains.values()].flatMap((signing) => this.#standingOf(signing, now).broken)
  }

  #standingOf({ domain, whenBroken, keys }: SigningConfig, now: number): Signing {
    const usable: SigningKey[] = []
    const broken: BrokenKey[] = keys.length === 0 ? [{ domain, selector: '', problem: 'there is no key' }] : []
    for (const config of keys) {
      const read = this.#read.get(nameOf(domain, config))?.key ?? 'it was not read'
      const { keyFile: _, ...own } = config
      if (typeof read === 'string') broken.push({ domain, selector: config.selector, problem: read })
      else if ((config.notAfter ?? Number.POSITIVE_INFINITY) < now)
        broken.push({ domain, selector: config.selector, problem: 'its time is over' })
      else usable.push({ ...own, domain, key: read })
    }
    return { whenBroken, keys: usable, broken }
  }
}

const nameOf = (domain: string, { selector, algorithm }: SigningKeyConfig): string =>
  `${domain} ${selector} ${algorithm}`
