/**
 * The objects of one resource as last heard of, frozen. An older version never replaces a newer one, except by a whole list.
 */

import { told } from '../api/api.ts'
import type { KubeObject } from '../api/object.ts'
import { isOlder } from '../api/resource-version.ts'
import { deepFreeze } from './freeze.ts'

type Entry<T> = { readonly resourceVersion: string; readonly value: T }

const versionOf = ({ metadata }: KubeObject): string => metadata.resourceVersion ?? ''

/** What news did to a store; `renewed`: another version, without a difference to us. */
export type Change = 'none' | 'renewed' | 'changed'

/**
 * What of an object is worth its memory. `before` is what was kept of its last version: what has not changed may be taken
 * over from it.
 */
export type Keep<T> = (object: KubeObject, before: T | undefined) => T

export class Store<T> {
  readonly #keep: Keep<T>
  readonly #same: (before: T, after: T) => boolean
  #entries = new Map<string, Entry<T>>()
  #values: readonly T[] | undefined

  constructor(keep: Keep<T>, same: (before: T, after: T) => boolean = () => false) {
    this.#keep = keep
    this.#same = same
  }

  /** `Kind namespace/name`. */
  get(key: string): T | undefined {
    return this.#entries.get(key)?.value
  }

  /** The very same array until something is stored or goes. */
  values(): readonly T[] {
    this.#values ??= [...this.#entries.values()].map((e) => e.value)
    return this.#values
  }

  get size(): number {
    return this.#entries.size
  }

  /** A whole list: what is not in it is gone. */
  replace(objects: readonly KubeObject[]): Change {
    const before = this.#entries
    this.#entries = new Map(
      objects.map((object) => {
        const key = told(object)
        const known = before.get(key)
        return [key, known?.resourceVersion === versionOf(object) ? known : this.#entry(object, known)]
      }),
    )
    const changes = [...this.#entries].map(([key, entry]) => this.#changeOf(before.get(key), entry))
    if (before.size !== this.#entries.size || changes.includes('changed')) return this.#stored('changed')
    return this.#stored(changes.includes('renewed') ? 'renewed' : 'none')
  }

  /** An object as it is now; old news change nothing. */
  put(object: KubeObject): Change {
    const key = told(object)
    const known = this.#entries.get(key)
    const version = versionOf(object)
    if (known !== undefined && (known.resourceVersion === version || isOlder(version, known.resourceVersion))) {
      return 'none'
    }
    const entry = this.#entry(object, known)
    this.#entries.set(key, entry)
    return this.#stored(this.#changeOf(known, entry))
  }

  /** An object that is gone, unless a younger one of its name is there. */
  remove(object: KubeObject): Change {
    const key = told(object)
    const known = this.#entries.get(key)
    if (known === undefined || isOlder(versionOf(object), known.resourceVersion)) return 'none'
    this.#entries.delete(key)
    return this.#stored('changed')
  }

  #changeOf(before: Entry<T> | undefined, after: Entry<T>): Change {
    if (before === after) return 'none'
    return before !== undefined && this.#same(before.value, after.value) ? 'renewed' : 'changed'
  }

  #stored(change: Change): Change {
    if (change !== 'none') this.#values = undefined
    return change
  }

  #entry(object: KubeObject, before: Entry<T> | undefined): Entry<T> {
    return { resourceVersion: versionOf(object), value: deepFreeze(this.#keep(object, before?.value)) }
  }
}
