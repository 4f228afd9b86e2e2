/** Keeps a DNSEndpoint for each SenderDomain whose records are published that way, in a cluster that knows the kind. */
import type { Condition, Publication } from '../../compile/compiled.ts'
import { type Name, type Ref, splitName } from '../../compile/snapshot.ts'
import { Dirty } from '../../dirty.ts'
import { dnsEndpoint } from '../../manifests/dns-endpoint.ts'
import type { Api } from '../api/api.ts'
import { isForbidden, isNotFound } from '../api/api-error.ts'
import { type KubeObject, keyOf } from '../api/object.ts'
import { resources } from '../api/resource.ts'
import { wholeList } from '../api/whole-list.ts'
import { applyObject, type Writing } from '../write/apply.ts'
import { domainOwner, oursSelector } from '../write/ownership.ts'
import { prune } from '../write/prune.ts'
import { publishTrouble, refusedTrouble, unavailable } from './publish-trouble.ts'

export type Publisher = {
  /** What to publish from now on; returns at once. The DNSEndpoint of a domain that is not in it stays as it is. */
  give(publications: ReadonlyMap<Name, Publication>, uids: ReadonlyMap<Ref, string>): void
  /** What keeps a domain's records from being published. */
  troubles(): ReadonlyMap<Name, Condition>
  /** Until the signal ends; never rejects. */
  run(signal: AbortSignal): Promise<void>
}

export type Publishing = {
  readonly api: Api
  /** Empty: all namespaces. */
  readonly namespaces: readonly string[]
  readonly mayWrite: () => boolean
  /** There are other troubles than before; only to raise a flag. */
  readonly changed: () => void
  /** What failed, and is tried again. */
  readonly tell: (object: string, why: string) => void
  /** How often to check that all of it is still there. */
  readonly everyMs?: number
}

const ordinaryMs = 60_000
const pageSize = 500
/** The scope of a list over all namespaces. */
const everywhere = ''

export function openPublisher({
  api,
  namespaces,
  mayWrite,
  changed,
  tell,
  everyMs = ordinaryMs,
}: Publishing): Publisher {
  const dirty = new Dirty()
  let wanted: ReadonlyMap<Name, Publication> = new Map()
  let uids: ReadonlyMap<Ref, string> = new Map()
  let troubles: ReadonlyMap<Name, Condition> = new Map()

  const scopeOf = (name: Name): string => (namespaces.length === 0 ? everywhere : splitName(name).namespace)

  async function round(signal: AbortSignal): Promise<void> {
    const scopes = namespaces.length === 0 ? [everywhere] : namespaces
    const lists = new Map(await Promise.all(scopes.map(async (scope) => [scope, await list(scope, signal)] as const)))
    const found = new Map<Name, Condition>()
    for (const [name, publication] of wanted) {
      const observed = lists.get(scopeOf(name))
      const trouble =
        observed === undefined ? withoutKind(publication) : await publish(name, publication, observed, signal)
      if (trouble !== undefined) found.set(name, trouble)
    }
    const isSame = JSON.stringify([...found]) === JSON.stringify([...troubles])
    troubles = found
    if (!isSame) changed()
  }

  /**
   * By `namespace/name`, the DNSEndpoints that are ours; undefined where the cluster does not know the kind, or does not let
   * us list it, which comes to the same.
   */
  async function list(scope: string, signal: AbortSignal): Promise<ReadonlyMap<string, KubeObject> | undefined> {
    const where = { labelSelector: oursSelector, ...(scope !== everywhere && { namespace: scope }) }
    try {
      const { items } = await wholeList(api, resources.dnsEndpoints, where, { limit: pageSize, signal })
      return new Map(items.map((object) => [keyOf(object.metadata), object]))
    } catch (error) {
      if (isNotFound(error) || isForbidden(error)) return undefined
      throw error
    }
  }

  async function publish(
    name: Name,
    { records }: Publication,
    observed: ReadonlyMap<string, KubeObject>,
    signal: AbortSignal,
  ): Promise<Condition | undefined> {
    const uid = uids.get(`SenderDomain ${name}`)
    const before = observed.get(name)
    if (uid === undefined || (records.length === 0 && before === undefined)) return undefined
    const owner = domainOwner({ ...splitName(name), uid })
    const writing: Writing = { api, mayWrite, signal }
    try {
      if (records.length > 0)
        return publishTrouble(await applyObject(dnsEndpoint(name, records), before, owner, writing))
      if (before !== undefined) await prune([before], [], owner, writing)
      return undefined
    } catch (error) {
      if (signal.aborted || !mayWrite()) return undefined
      const what = `DNSEndpoint ${name}`
      tell(what, String(error))
      return refusedTrouble(what, error) ?? troubles.get(name)
    }
  }

  return {
    give(publications, its) {
      const isSame = its.size === uids.size && sameEntries(publications, wanted)
      wanted = publications
      uids = its
      if (!isSame) dirty.mark()
    },
    troubles: () => troubles,
    async run(signal) {
      while (!signal.aborted) {
        await dirty.nextWithin(everyMs, signal)
        if (signal.aborted || !mayWrite()) continue
        await round(signal).catch((error: unknown) => {
          if (!signal.aborted) tell('DNSEndpoints', String(error))
        })
      }
    },
  }
}

const withoutKind = ({ records, isRequired }: Publication): Condition | undefined =>
  isRequired && records.length > 0 ? unavailable : undefined

const sameEntries = <K, V>(a: ReadonlyMap<K, V>, b: ReadonlyMap<K, V>): boolean =>
  a.size === b.size && [...a].every(([key, value]) => b.get(key) === value)
