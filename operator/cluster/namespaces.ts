/** The labels of namespaces, by which consent may go: watched, or where no list is allowed, asked for now and then. */
import { isDeepStrictEqual } from 'node:util'
import type { Snapshot } from '../compile/snapshot.ts'
import type { Api } from './api.ts'
import { isNotFound } from './api-error.ts'
import { type Mirrored, openMirror, type Unread } from './mirror.ts'
import type { KubeObject } from './object.ts'
import type { ReflectorNews } from './reflector.ts'
import { remembered } from './remembered.ts'
import { resources } from './resource.ts'
import { rest } from './rest.ts'

export type Namespaces = {
  labels(): Snapshot['namespaces']
  unread(): readonly Unread[]
  readonly synced: Promise<void>
  run(signal: AbortSignal): Promise<void>
}

type Labels = Readonly<Record<string, string>>
const labelsOf = ({ metadata }: KubeObject): Labels => metadata.labels ?? {}

export function watchedNamespaces(
  options: Pick<Mirrored<never>, 'api' | 'changed' | 'tell' | 'timing' | 'patienceMs'>,
): Namespaces {
  const mirror = openMirror<readonly [string, Labels]>({
    ...options,
    resource: resources.namespaces,
    namespaces: [],
    scope: { metadataOnly: true },
    keep: (object) => [object.metadata.name, labelsOf(object)],
    same: isDeepStrictEqual,
  })
  const labels = remembered(
    () => [mirror.values()],
    (all) => new Map(all),
  )
  return { labels, unread: mirror.unread, synced: mirror.synced, run: mirror.run }
}

export type Asking = {
  readonly api: Api
  readonly names: readonly string[]
  readonly changed: () => void
  readonly tell?: (news: ReflectorNews) => void
  readonly everyMs: number
  /** For one answer. */
  readonly patienceMs: number
}

/** One that is not there has no labels; one that can not be asked for keeps those it had. */
export function askedNamespaces({ api, names, changed, tell, everyMs, patienceMs }: Asking): Namespaces {
  const answers = new Map<string, Labels | 'absent'>()
  const synced = Promise.withResolvers<void>()
  let labels: Snapshot['namespaces'] = new Map()

  async function ask(name: string, signal: AbortSignal): Promise<void> {
    try {
      const object = await api.get(
        resources.namespaces,
        { name },
        { signal, timeoutMs: patienceMs, metadataOnly: true },
      )
      answers.set(name, labelsOf(object))
    } catch (error) {
      if (isNotFound(error)) answers.set(name, 'absent')
      else if (!signal.aborted) {
        tell?.({ about: 'interruption', resource: resources.namespaces, why: String(error), waitMs: everyMs })
      }
    }
  }

  return {
    labels: () => labels,
    unread: () =>
      names
        .filter((name) => !answers.has(name))
        .map((namespace) => ({ what: `labels of namespace ${namespace}: could not be read yet`, namespace })),
    synced: synced.promise,
    async run(signal) {
      while (!signal.aborted) {
        const before = new Map(answers)
        await Promise.all(names.map((name) => ask(name, signal)))
        labels = new Map([...answers].flatMap(([name, is]) => (is === 'absent' ? [] : [[name, is] as const])))
        if (!isDeepStrictEqual(before, answers)) changed()
        synced.resolve()
        await rest(everyMs, signal)
      }
    },
  }
}
