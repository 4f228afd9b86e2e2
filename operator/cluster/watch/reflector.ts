/** Keeps a store in step with one resource of the API server, through whatever happens between the two. */
import type { IncomingMessage } from 'node:http'
import { spread } from '../../backoff.ts'
import type { Api, Scope } from '../api/api.ts'
import { ApiError } from '../api/api-error.ts'
import { Lines } from '../api/lines.ts'
import type { Resource } from '../api/resource.ts'
import { isOlder } from '../api/resource-version.ts'
import { rest } from '../api/rest.ts'
import { wholeList } from '../api/whole-list.ts'
import { type Change, type Keep, Store } from './store.ts'
import { afterList, afterWatch, type Next, type Standing, type WatchEnd } from './watch-end.ts'
import { type WatchEvent, watchEvent } from './watch-event.ts'

export type Timing = {
  readonly pageSize: number
  /** How long the server keeps one watch open; spread, so that not all of them end together. */
  readonly watchMs: number
  /** How long a watch may say nothing: the server sends a bookmark about once a minute. */
  readonly silenceMs: number
  /** How often everything is listed anew, whatever the watch said: an event may have been lost. */
  readonly relistMs: number
}

const ordinary: Timing = { pageSize: 500, watchMs: 300_000, silenceMs: 90_000, relistMs: 600_000 }

/** For metrics and the log. */
export type ReflectorNews =
  | { readonly about: 'list'; readonly resource: Resource; readonly objects: number; readonly ms: number }
  | { readonly about: 'interruption'; readonly resource: Resource; readonly why: string; readonly waitMs: number }

export type Reflected<T> = {
  readonly api: Api
  readonly resource: Resource
  readonly scope?: Scope
  /** What of each object is kept. */
  readonly keep: Keep<T>
  /** Something in the store changed: only to raise a flag. */
  readonly changed: () => void
  /**
   * Whether two versions make no difference to us: then the newer one is stored, and `renewed` is called instead of
   * `changed`.
   */
  readonly same?: (before: T, after: T) => boolean
  /** A version without a difference was stored: only to raise a flag. */
  readonly renewed?: () => void
  readonly tell?: (news: ReflectorNews) => void
  readonly timing?: Partial<Timing>
  readonly random?: () => number
}

/** Well above the largest object: etcd takes 1.5 MiB for one, and the API server may add to it. */
const maxLineBytes = 8 * 1024 * 1024
/** A watch that ends sooner than this, and has said nothing, counts as a failure. */
const idleMs = 1000
/**
 * A list that is older than what was seen comes from a replica that lags, and is refused. After so many in a row it does not:
 * etcd was restored from a backup, and the older list is how things stand.
 */
const staleLists = 5

export class Reflector<T> {
  readonly store: Store<T>
  /** Resolves when the first list is in the store. */
  readonly synced: Promise<void>
  readonly #options: Reflected<T>
  readonly #timing: Timing
  readonly #random: () => number
  readonly #sync = Promise.withResolvers<void>()
  #isSynced = false
  #refreshing: PromiseWithResolvers<void> | undefined
  #listing: PromiseWithResolvers<void> | undefined
  #watching = new AbortController()
  #relistAt = 0
  #newest = ''
  #failingSince: number | undefined
  #stale = 0

  constructor(options: Reflected<T>) {
    this.#options = options
    this.#timing = { ...ordinary, ...options.timing }
    this.#random = options.random ?? Math.random
    this.store = new Store(options.keep, options.same)
    this.synced = this.#sync.promise
  }

  get isSynced(): boolean {
    return this.#isSynced
  }

  /** How far this has heard: what happened up to this version is in the store. */
  get version(): string {
    return this.#newest
  }

  /** How long lists have been failing, in milliseconds; 0 where the last one did not fail, and before the first one. */
  get listFailsForMs(): number {
    return this.#failingSince === undefined ? 0 : performance.now() - this.#failingSince
  }

  /** Resolves when a list that was asked for after this call is in the store. */
  refresh(): Promise<void> {
    this.#refreshing ??= Promise.withResolvers<void>()
    this.#relistAt = 0
    this.#watching.abort()
    return this.#refreshing.promise
  }

  /** Until the signal ends; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    let standing: Standing = { from: undefined, failures: 0 }
    while (!signal.aborted) {
      const { waitMs, ...next } = await this.#step(standing, signal)
      standing = next
      if (waitMs > 0) await rest(waitMs, signal)
    }
  }

  #step({ from, failures }: Standing, signal: AbortSignal): Promise<Next> {
    return from === undefined ? this.#list(failures, signal) : this.#watch(from, failures, signal)
  }

  async #list(failures: number, signal: AbortSignal): Promise<Next> {
    const begin = performance.now()
    this.#listing = this.#refreshing ?? this.#listing
    this.#refreshing = undefined
    try {
      const { api, resource, scope = {} } = this.#options
      const limit = this.#timing.pageSize
      const { items, resourceVersion } = await wholeList(api, resource, scope, { limit, signal })
      this.#refuseThePast(resourceVersion)
      const change = this.store.replace(items)
      this.#raise(this.#isSynced ? change : 'changed')
      this.#newest = resourceVersion
      this.#isSynced = true
      this.#failingSince = undefined
      this.#sync.resolve()
      this.#listing?.resolve()
      this.#listing = undefined
      const now = performance.now()
      // Somebody asked for another list while this one was being read: it is due at once.
      this.#relistAt = this.#refreshing === undefined ? now + spread(this.#timing.relistMs, this.#random()) : 0
      this.#options.tell?.({ about: 'list', resource, objects: items.length, ms: now - begin })
      return { from: resourceVersion, failures, waitMs: 0 }
    } catch (error) {
      this.#failingSince ??= performance.now()
      return this.#interrupted(signal, apiError(error).message, afterList(apiError(error), failures, this.#random()))
    }
  }

  #refuseThePast(resourceVersion: string): void {
    if (!isOlder(resourceVersion, this.#newest) || this.#stale >= staleLists) {
      this.#stale = 0
      return
    }
    this.#stale += 1
    throw new ApiError('garbled', `a list of version ${resourceVersion} after version ${this.#newest} was seen`)
  }

  async #watch(from: string, failures: number, signal: AbortSignal): Promise<Next> {
    const heard = { version: from, any: false }
    const end = await this.#follow(heard, signal)
    const next = afterWatch(end, heard.version, heard.any, failures, this.#random())
    if (end.kind !== 'ended' || end.idle) return this.#interrupted(signal, whyOf(end), next)
    return performance.now() < this.#relistAt ? next : { ...next, from: undefined }
  }

  async #follow(heard: { version: string; any: boolean }, signal: AbortSignal): Promise<WatchEnd> {
    const { api, resource, scope = {} } = this.#options
    const begin = performance.now()
    const openMs = Math.min(spread(this.#timing.watchMs, this.#random()), this.#relistAt - begin)
    const timeoutSeconds = Math.max(1, Math.ceil(openMs / 1000))
    this.#watching = new AbortController()
    if (this.#refreshing !== undefined) return { kind: 'ended', idle: false }
    const options = { signal: AbortSignal.any([signal, this.#watching.signal]) }
    let silence: Silence | undefined
    try {
      const stream = await api.watch(resource, scope, { resourceVersion: heard.version, timeoutSeconds }, options)
      silence = new Silence(stream, this.#timing.silenceMs)
      const lines = new Lines(maxLineBytes)
      for await (const chunk of stream) {
        silence.broken()
        for (const line of lines.push(chunk)) {
          const end = this.#hear(watchEvent(line), heard)
          if (end !== undefined) return end
        }
      }
      return { kind: 'ended', idle: !heard.any && performance.now() - begin < idleMs }
    } catch (error) {
      if (this.#refreshing !== undefined) return { kind: 'ended', idle: false }
      return silence?.isOver === true ? { kind: 'silent' } : { kind: 'failed', error: apiError(error) }
    } finally {
      silence?.end()
    }
  }

  /** Stores what an event tells; returns how the watch ends where nothing more can be learned from it. */
  #hear(event: WatchEvent, heard: { version: string; any: boolean }): WatchEnd | undefined {
    switch (event.kind) {
      case 'is':
      case 'gone': {
        const { apiVersion, kind } = this.#options.resource
        const object = { ...event.object, apiVersion, kind }
        const change = event.kind === 'is' ? this.store.put(object) : this.store.remove(object)
        this.#heard(object.metadata.resourceVersion ?? heard.version, heard)
        this.#raise(change)
        return undefined
      }
      case 'bookmark':
        this.#heard(event.resourceVersion, heard)
        return undefined
      case 'refused':
        return { kind: 'failed', error: event.error }
      case 'expired':
      case 'garbled':
        return event
    }
  }

  #raise(change: Change): void {
    if (change === 'changed') this.#options.changed()
    if (change === 'renewed') this.#options.renewed?.()
  }

  #heard(version: string, heard: { version: string; any: boolean }): void {
    heard.version = version
    heard.any = true
    this.#newest = version
  }

  #interrupted(signal: AbortSignal, why: string, next: Next): Next {
    const { resource, tell } = this.#options
    if (!signal.aborted) tell?.({ about: 'interruption', resource, why, waitMs: next.waitMs })
    return next
  }
}

/** Ends a stream that says nothing for too long: half-open connections look just like quiet ones. */
class Silence {
  readonly #stream: IncomingMessage
  readonly #timer: NodeJS.Timeout
  isOver = false

  constructor(stream: IncomingMessage, ms: number) {
    this.#stream = stream
    this.#timer = setTimeout(() => {
      this.isOver = true
      stream.destroy(new Error('silent'))
    }, ms)
  }

  broken(): void {
    this.#timer.refresh()
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#stream.destroy()
  }
}

const whyOf = (end: WatchEnd): string => {
  switch (end.kind) {
    case 'ended':
      return 'the watch ended at once'
    case 'silent':
      return 'the watch said nothing for too long'
    case 'expired':
      return 'the version to watch from has expired'
    case 'garbled':
      return `the watch said what nobody understands: ${end.why}`
    case 'failed':
      return end.error.message
  }
}

/** Any other error comes from an object that could not be stored: the API server answered what the API does not promise. */
const apiError = (error: unknown): ApiError =>
  error instanceof ApiError ? error : new ApiError('garbled', String(error), { cause: error })
