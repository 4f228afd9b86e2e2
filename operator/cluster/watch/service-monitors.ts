/** ServiceMonitors, in a cluster that knows the kind; whether it does may change while the operator runs. */
import type { Name } from '../../compile/snapshot.ts'
import { isForbidden, isNotFound } from '../api/api-error.ts'
import { resources } from '../api/resource.ts'
import { rest } from '../api/rest.ts'
import { oursSelector } from '../write/ownership.ts'
import { byFleet, isSameMade, type Made, madeIn } from './made.ts'
import { type Mirror, type Mirrored, openMirror } from './mirror.ts'

export type ServiceMonitors = {
  readonly isKnown: boolean
  of(fleet: Name): readonly Made[]
  /** Resolves when it is clear whether the kind is known, or could not be found out at first. */
  readonly synced: Promise<void>
  run(signal: AbortSignal): Promise<void>
}

type Options = Pick<Mirrored<Made>, 'api' | 'namespaces' | 'changed' | 'tell' | 'timing' | 'patienceMs'> & {
  /** How often to ask whether the kind is known. */
  readonly everyMs: number
}

const resource = resources.serviceMonitors

type Watched = {
  readonly mirror: Mirror<Made>
  readonly of: (fleet: Name) => readonly Made[]
  readonly running: Promise<void>
  stop(): void
}

export function openServiceMonitors({ everyMs, ...options }: Options): ServiceMonitors {
  const { api, namespaces, changed, tell } = options
  const synced = Promise.withResolvers<void>()
  let watched: Watched | undefined

  /** Undefined: nobody could say. A kind that may not be listed is of no more use than one that is not there. */
  async function isKnown(signal: AbortSignal): Promise<boolean | undefined> {
    const [namespace] = namespaces
    const scope = { ...(namespace !== undefined && { namespace }), labelSelector: oursSelector, metadataOnly: true }
    try {
      await api.listPage(resource, scope, { limit: 1 }, { signal, timeoutMs: options.patienceMs })
      return true
    } catch (error) {
      if (isNotFound(error) || isForbidden(error)) return false
      if (!signal.aborted) tell?.({ about: 'interruption', resource, why: String(error), waitMs: everyMs })
      return undefined
    }
  }

  function watch(signal: AbortSignal): Watched {
    const ending = new AbortController()
    const scope = { labelSelector: oursSelector }
    const mirror = openMirror<Made>({ ...options, resource, scope, keep: madeIn, same: isSameMade })
    const running = mirror.run(AbortSignal.any([signal, ending.signal]))
    return { mirror, of: byFleet(mirror.values), running, stop: () => ending.abort() }
  }

  async function follow(known: boolean | undefined, signal: AbortSignal): Promise<void> {
    if (known === undefined || known === (watched !== undefined)) return
    watched?.stop()
    watched = known ? watch(signal) : undefined
    if (known) await Promise.race([watched?.mirror.synced, watched?.running])
    changed()
  }

  return {
    get isKnown() {
      return watched !== undefined
    },
    of: (fleet) => watched?.of(fleet) ?? [],
    synced: synced.promise,
    async run(signal) {
      while (!signal.aborted) {
        await follow(await isKnown(signal), signal)
        synced.resolve()
        await rest(everyMs, signal)
      }
      await watched?.running
    },
  }
}
