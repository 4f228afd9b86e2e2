/**
 * The private keys that a fleet's relays sign with: fetched when they are first needed, and kept while the configuration
 * names them.
 */
import type { RelayConfig } from '../../../relay/config.ts'
import type { Name } from '../../compile/snapshot.ts'
import { type KeyFiles, signingSecret, signingSecretOf } from '../../manifests/signing-secrets.ts'
import { base64, dataOf } from '../api/secret-data.ts'
import type { Applied, Writing } from '../write/apply.ts'
import { removeSecret, writeSecret } from './config-writing.ts'
import type { FleetSecrets } from './fleet-secrets.ts'

/** The PEM of a file; undefined where it is not at hand. */
export type PemOf = (senderDomain: Name, keyFile: string, signal: AbortSignal) => Promise<string | undefined>

type Needed = { readonly senderDomain: Name; readonly keyFile: string }

const needed = ({ signing = [] }: Pick<RelayConfig, 'signing'>): readonly Needed[] =>
  signing.flatMap(({ senderDomain, keys }) =>
    keys.map(({ keyFile }) => ({ senderDomain: senderDomain as Name, keyFile })),
  )

export class SigningKeys {
  readonly #secrets: FleetSecrets
  readonly #writing: Writing
  readonly #pemOf: PemOf

  constructor(secrets: FleetSecrets, writing: Writing, pemOf: PemOf) {
    this.#secrets = secrets
    this.#writing = writing
    this.#pemOf = pemOf
  }

  /**
   * Adds the keys that `config` names to those that are there. A key that is not at hand is left out, and its selector does
   * not sign.
   */
  async bring(config: RelayConfig): Promise<readonly Applied[]> {
    const files = needed(config)
    const byName = Map.groupBy(files, ({ keyFile }) => signingSecretOf(this.#secrets.fleet, keyFile))
    const applied: Applied[] = []
    for (const [name, inIt] of byName) {
      await this.#see(name)
      const before = this.#dataOf(name)
      const missing = await this.#fetched(inIt.filter(({ keyFile }) => before[keyFile] === undefined))
      if (Object.keys(missing).length > 0) applied.push(await this.#write(name, { ...before, ...missing }))
    }
    return applied
  }

  /** Removes the keys that `config` does not name, so that no relay gets them any more. */
  async clear(config: RelayConfig): Promise<readonly Applied[]> {
    const named = new Set(needed(config).map(({ keyFile }) => keyFile))
    const applied: Applied[] = []
    for (const name of this.#secrets.signingNames) {
      const before = this.#dataOf(name)
      const kept = Object.fromEntries(Object.entries(before).filter(([file]) => named.has(file)))
      const [has, keeps] = [Object.keys(before).length, Object.keys(kept).length]
      if (keeps === has) continue
      if (keeps > 0) applied.push(await this.#write(name, kept))
      else await removeSecret(this.#secrets, name, this.#writing)
    }
    return applied
  }

  /** Looks at a Secret that was never looked at, since Secrets are not watched. */
  async #see(name: string): Promise<void> {
    const { api, signal } = this.#writing
    if (!this.#secrets.isSeen(name)) await this.#secrets.lookAtOne(name, api, signal)
  }

  #dataOf(name: string): KeyFiles {
    const object = this.#secrets.ours(name)
    return object === undefined ? {} : dataOf(object)
  }

  async #fetched(files: readonly Needed[]): Promise<KeyFiles> {
    const found: Record<string, string> = {}
    for (const { senderDomain, keyFile } of files) {
      const pem = await this.#pemOf(senderDomain, keyFile, this.#writing.signal)
      if (pem !== undefined) found[keyFile] = base64(pem)
    }
    return found
  }

  #write(name: string, data: KeyFiles): Promise<Applied> {
    return writeSecret(this.#secrets, signingSecret(this.#secrets.fleet, name, data), this.#writing)
  }
}
