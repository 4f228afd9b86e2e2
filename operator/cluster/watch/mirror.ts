/** One resource as watches tell of it, in all namespaces or in each of some, as if it were one list. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Scope } from '../api/api.ts'
import { type Reflected, Reflector } from './reflector.ts'
import { remembered } from './remembered.ts'

/** Something that could not be read yet. */
export type Unread = {
  readonly what: string
  /** Absent: what could not be read may be in any namespace. */
  readonly namespace?: string
}

export type Mirror<T> = {
  /** The very same array until something in it changes. */
  values(): readonly T[]
  /** By `Kind namespace/name`. */
  get(key: string): T | undefined
  /** How far this has heard: resource versions by kind, or by kind and namespace. */
  heard(): Readonly<Record<string, string>>
  /** What has not been listed yet. */
  unread(): readonly Unread[]
  /** Resolves when each namespace was listed once, or could not be for some seconds. */
  readonly synced: Promise<void>
  /** Resolves when each namespace has been listed anew, or can not be for some seconds. */
  refresh(): Promise<void>
  /** Until the signal ends; never rejects. */
  run(signal: AbortSignal): Promise<void>
}

export type Mirrored<T> = Omit<Reflected<T>, 'scope'> & {
  /** Empty: all namespaces. */
  readonly namespaces: readonly string[]
  readonly scope?: Omit<Scope, 'namespace'>
  /** How long one namespace that can not be listed is waited for. */
  readonly patienceMs: number
}

const pollMs = 50
/** A list that is slow but has not failed is waited for this many times as long. */
const slowness = 6

export function openMirror<T>({ namespaces, scope = {}, patienceMs, ...options }: Mirrored<T>): Mirror<T> {
  const scopes: readonly Scope[] =
    namespaces.length === 0 ? [scope] : namespaces.map((n) => ({ ...scope, namespace: n }))
  const parts = scopes.map((s) => ({ namespace: s.namespace, reflector: new Reflector({ ...options, scope: s }) }))
  const synced = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  let isEnded = false

  /** Resolves when `done` does, when everything ends, or when it has taken longer than anybody should wait. */
  async function settled(reflector: Reflector<T>, done: Promise<void>): Promise<void> {
    const begin = performance.now()
    let isDone = false
    const noted = done.then(() => {
      isDone = true
    })
    const isVain = (): boolean =>
      reflector.listFailsForMs > patienceMs || performance.now() - begin > slowness * patienceMs
    while (!isDone && !isEnded && !isVain()) {
      await Promise.race([noted, ended.promise, wait(pollMs, undefined, { ref: false })])
    }
  }

  return {
    values: remembered(
      () => parts.map((p) => p.reflector.store.values()),
      (all) => all,
    ),
    get(key) {
      for (const { reflector } of parts) {
        const value = reflector.store.get(key)
        if (value !== undefined) return value
      }
      return undefined
    },
    heard: () =>
      Object.fromEntries(
        parts.map(({ namespace, reflector }) => [
          [options.resource.kind, ...(namespace === undefined ? [] : [namespace])].join(' '),
          reflector.version,
        ]),
      ),
    unread: () =>
      parts
        .filter(({ reflector }) => !reflector.isSynced)
        .map(({ namespace }) => unlisted(options.resource.plural, namespace)),
    synced: synced.promise,
    async refresh() {
      await Promise.all(parts.map(({ reflector }) => settled(reflector, reflector.refresh())))
    },
    async run(signal) {
      const runs = parts.map(({ reflector }) => reflector.run(signal))
      const all = Promise.all(parts.map(({ reflector }) => settled(reflector, reflector.synced)))
      void all.then(() => synced.resolve())
      await Promise.all(runs)
      isEnded = true
      ended.resolve()
    },
  }
}

const unlisted = (plural: string, namespace: string | undefined): Unread =>
  namespace === undefined
    ? { what: `${plural}: could not be listed yet` }
    : { what: `${plural} of ${namespace}: could not be listed yet`, namespace }
