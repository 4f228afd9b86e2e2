/**
 * Resolves references to Secrets and ConfigMaps, and remembers each that was asked for, found or not, so that a Source can watch
 * it.
 */
import type { FileSource, Finding, Reference } from './compiled.ts'
import { findings } from './findings.ts'
import { authorityFolder, certificateFolder, loginFolder } from './relay-files.ts'
import { type Keyed, type Name, type Snapshot, splitName } from './snapshot.ts'

type Source = { readonly kind: 'Secret' | 'ConfigMap'; readonly name: Name }

/** The files that a reference yields, or why it yields none. */
export type Resolved = { readonly files: readonly FileSource[] } | { readonly finding: Finding }

/** What a reference needs: which keys, the folder for a file of each, and the Secret's type where only one will do. */
type Need = {
  readonly field: string
  readonly folder: string
  readonly keys: readonly string[]
  readonly type?: string
}

type Seen = Pick<Snapshot, 'secrets' | 'configMaps'>

export class References {
  readonly asked = new Set<Reference>()
  readonly #seen: Seen

  constructor(seen: Seen) {
    this.#seen = seen
  }

  #find({ kind, name }: Source): Keyed | undefined {
    this.asked.add(`${kind} ${name}`)
    return (kind === 'Secret' ? this.#seen.secrets : this.#seen.configMaps).get(name)
  }

  /** A listener's certificate, and its key. */
  certificate(secret: Name, listener: string, field: string): Resolved {
    const folder = certificateFolder({ name: listener })
    return this.#secret(secret, { field, folder, keys: ['tls.crt', 'tls.key'], type: 'kubernetes.io/tls' })
  }

  /** Username and password for a server. */
  login(secret: Name, field: string): Resolved {
    return this.#secret(secret, { field, folder: loginFolder(splitName(secret)), keys: ['username', 'password'] })
  }

  #secret(name: Name, need: Need): Resolved {
    const source = { kind: 'Secret', name } as const
    const found = this.#find(source)
    if (found === undefined) return { finding: findings.secretNotFound(`Secret ${name}`, need.keys)(need.field) }
    if (need.type !== undefined && found.type !== undefined && found.type !== need.type) {
      return { finding: findings.secretOfWrongType(`Secret ${name}`, found.type, need.type)(need.field) }
    }
    const lacks = need.keys.filter((k) => !hasKey(found, k))
    if (lacks.length > 0) return { finding: findings.secretIncomplete(`Secret ${name}`, lacks)(need.field) }
    return { files: filesOf(source, need) }
  }

  /** A certificate authority: from the Secret of that name, else from the ConfigMap. */
  authority(name: Name, field: string): Resolved {
    const need = { field, folder: authorityFolder(splitName(name)), keys: ['ca.crt'] }
    const sources = [
      { kind: 'Secret', name },
      { kind: 'ConfigMap', name },
    ] as const
    const has = (source: Source): boolean => {
      const found = this.#find(source)
      return found !== undefined && hasKey(found, 'ca.crt')
    }
    const source = sources.find(has)
    if (source !== undefined) return { files: filesOf(source, need) }
    const there = sources.find((s) => this.#find(s) !== undefined)
    return there === undefined
      ? { finding: findings.secretNotFound(`Secret or ConfigMap ${name}`, need.keys)(field) }
      : { finding: findings.secretIncomplete(`${there.kind} ${name}`, need.keys)(field) }
  }
}

/** Where the keys are not known, the object is assumed to have them; the relay reports a file that it lacks. */
const hasKey = ({ keys }: Keyed, key: string): boolean => keys?.includes(key) ?? true

const filesOf = (source: Source, { folder, keys }: Need): readonly FileSource[] =>
  keys.map((key) => ({ path: `${folder}/${key}`, from: { ...source, key } }))
