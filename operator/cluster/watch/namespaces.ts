/**
 * The labels of namespaces, by which policies give consent, and which of them are being deleted: watched; or, where the
 * operator has only some namespaces and may not list them all, asked for one by one, now and then.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Snapshot } from '../../compile/snapshot.ts'
import type { Api } from '../api/api.ts'
import { isNotFound } from '../api/api-error.ts'
import type { KubeObject } from '../api/object.ts'
import { resources } from '../api/resource.ts'
import { rest } from '../api/rest.ts'
import { type Mirrored, openMirror, type Unread } from './mirror.ts'
import type { ReflectorNews } from './reflector.ts'
import { remembered } from './remembered.ts'

export type Namespaces = {
  labels(): Snapshot['namespaces']
  /** The names of those that are being deleted. */
  leaving(): ReadonlySet<string>
  unread(): readonly Unread[]
  readonly synced: Promise<void>
  run(signal: AbortSignal): Promise<void>
}

type Namespace = {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly leaving: boolean
}

const namespaceOf = ({ metadata }: KubeObject): Namespace => ({
  name: metadata.name,
  labels: metadata.labels ?? {},
  leaving: metadata.deletionTimestamp !== undefined,
})

const labelsOf = (all: readonly Namespace[]): Snapshot['namespaces'] => new Map(all.map((n) => [n.name, n.labels]))
const leavingOf = (all: readonly Namespace[]): ReadonlySet<string> =>
  new Set(all.filter((n) => n.leaving).map((n) => n.name))

export function watchedNamespaces(
  options: Pick<Mirrored<never>, 'api' | 'changed' | 'tell' | 'timing' | 'patienceMs'>,
): Namespaces {
  const mirror = openMirror<Namespace>({
    ...options,
    resource: resources.namespaces,
    namespaces: [],
    scope: { metadataOnly: true },
    keep: namespaceOf,
    same: isDeepStrictEqual,
  })
  const labels = remembered(() => [mirror.values()], labelsOf)
  const leaving = remembered(() => [mirror.values()], leavingOf)
  return { labels, leaving, unread: mirror.unread, synced: mirror.synced, run: mirror.run }
}

export type Asking = {
  readonly api: Api
  readonly names: readonly string[]
  readonly changed: () => void
  readonly tell?: (news: ReflectorNews) => void
  readonly everyMs: number
  /** How long one answer is waited for. */
  readonly patienceMs: number
}

/** A namespace that does not exist has no labels; one that can not be asked for keeps the labels it had. */
export function askedNamespaces({ api, names, changed, tell, everyMs, patienceMs }: Asking): Namespaces {
  const answers = new Map<string, Namespace | 'absent'>()
  const synced = Promise.withResolvers<void>()
  let known: readonly Namespace[] = []
  const labels = remembered(() => [known], labelsOf)
  const leaving = remembered(() => [known], leavingOf)

  async function ask(name: string, signal: AbortSignal): Promise<void> {
    try {
      const object = await api.get(
        resources.namespaces,
        { name },
        { signal, timeoutMs: patienceMs, metadataOnly: true },
      )
      answers.set(name, namespaceOf(object))
    } catch (error) {
      if (isNotFound(error)) answers.set(name, 'absent')
      else if (!signal.aborted) {
        tell?.({ about: 'interruption', resource: resources.namespaces, why: String(error), waitMs: everyMs })
      }
    }
  }

  return {
    labels,
    leaving,
    unread: () =>
      names
        .filter((name) => !answers.has(name))
        .map((namespace) => ({ what: `labels of namespace ${namespace}: could not be read yet`, namespace })),
    synced: synced.promise,
    async run(signal) {
      while (!signal.aborted) {
        const before = new Map(answers)
        await Promise.all(names.map((name) => ask(name, signal)))
        known = [...answers.values()].filter((is) => is !== 'absent')
        if (!isDeepStrictEqual(before, answers)) changed()
        synced.resolve()
        await rest(everyMs, signal)
      }
    },
  }
}
