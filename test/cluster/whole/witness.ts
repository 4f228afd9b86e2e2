/** Watches every version of a namespace's Secrets, and notes what must never happen, whatever else goes wrong. */
import { randomUUID } from 'node:crypto'
import { openApi } from '../../../operator/cluster/api/api.ts'
import type { KubeObject } from '../../../operator/cluster/api/object.ts'
import { resources } from '../../../operator/cluster/api/resource.ts'
import { isOlder } from '../../../operator/cluster/api/resource-version.ts'
import { heardAnnotation, heardMore } from '../../../operator/cluster/watch/heard.ts'
import { managedByLabel, operatorName } from '../../../operator/cluster/write/ownership.ts'
import { parseConfig } from '../../../relay/config.ts'
import { until } from '../../local/until.ts'
import { accepted, apiOf } from '../api.ts'
import { theCluster } from '../cluster.ts'
import { faultProxy } from '../fault-proxy.ts'
import { type Followed, follow } from '../follow.ts'

export type Witness = {
  readonly wrongs: readonly string[]
  /** The credential may no longer submit, from this resource version on. */
  forbid(credential: string, resourceVersion: string): void
  /** The credential may submit again; to be called before that is asked for. */
  allow(credential: string): void
  /** Somebody else's Secret may go; to be called before whoever made it removes it. */
  mayGo(secret: string): void
  /** Resolves when it has heard of all that was done until now, by a Secret of its own; `wrongs` may lack something before. */
  caughtUp(): Promise<void>
  stop(): Promise<void>
}

/** `out` are the Secrets whose writer knew of `since`, and which therefore no longer had the credential. */
type Forbidden = { readonly since: string; readonly out: Set<string> }

export async function witness(namespace: string): Promise<Witness> {
  const proxy = await faultProxy(theCluster().access)
  const api = openApi(proxy.connection)
  const rules = new Rules(namespace)
  const end = await follow(api, resources.secrets, { namespace }, { heard: (event) => rules.hear(event) })
  return {
    wrongs: rules.wrongs,
    forbid: (credential, since) => void rules.forbidden.set(credential, { since, out: new Set() }),
    allow: (credential) => void rules.forbidden.delete(credential),
    mayGo: (secret) => void rules.goers.add(secret),
    async caughtUp() {
      const name = `witness-${randomUUID()}`
      const path = `/api/v1/namespaces/${namespace}/secrets`
      accepted(await apiOf(theCluster().access).create(path, { metadata: { name } }))
      await until('the witness has heard of its own Secret', () => rules.strangers.has(name))
    },
    async stop() {
      end()
      await proxy.close()
    },
  }
}

class Rules {
  readonly wrongs: string[] = []
  readonly forbidden = new Map<string, Forbidden>()
  readonly goers = new Set<string>()
  /** The Secrets of others that it has heard of. */
  readonly strangers = new Set<string>()
  readonly #namespace: string
  readonly #heard = new Map<string, string>()

  constructor(namespace: string) {
    this.#namespace = namespace
  }

  hear({ type, object }: Followed): void {
    const { name, labels } = object.metadata
    if (type === 'BOOKMARK') return
    if (labels?.[managedByLabel] !== operatorName) this.#stranger(type, name)
    else if (type !== 'DELETED' && /-relay-config-\d$/.test(name)) this.#configuration(object)
  }

  #stranger(type: string, name: string): void {
    this.strangers.add(name)
    if (type === 'MODIFIED') this.wrongs.push(`somebody else's Secret ${name} was changed`)
    if (type === 'DELETED' && !this.goers.has(name)) this.wrongs.push(`somebody else's Secret ${name} was deleted`)
  }

  #configuration({ metadata, ...object }: KubeObject): void {
    const key = `${metadata.name} of ${metadata.ownerReferences?.[0]?.uid}`
    const heard = metadata.annotations?.[heardAnnotation] ?? '{}'
    const now = JSON.parse(heard) as Readonly<Record<string, string>>
    if (heardMore(this.#heard.get(key), now)) {
      this.wrongs.push(`Secret ${metadata.name} went back from ${this.#heard.get(key)} to ${heard}`)
    }
    this.#heard.set(key, heard)
    const submitting = submittingBy((object['data'] ?? {}) as Readonly<Record<string, string>>)
    const knew = now[`RelayCredential ${this.#namespace}`] ?? ''
    for (const [credential, forbidden] of this.forbidden) {
      const isIn = submitting.has(`${this.#namespace}/${credential}`)
      if (isIn && forbidden.out.has(key))
        this.wrongs.push(`credential ${credential} came back into Secret ${metadata.name} by ${heard}`)
      if (!isIn && !isOlder(knew, forbidden.since)) forbidden.out.add(key)
    }
  }
}

/** The credentials that a configuration lets submit; it is in one piece, since it is small. */
function submittingBy(data: Readonly<Record<string, string>>): ReadonlySet<string> {
  const { credentials } = parseConfig(Buffer.from(data['relay.json'] ?? '', 'base64').toString())
  return new Set(credentials.filter(({ suspended }) => !suspended).map(({ name }) => name))
}
