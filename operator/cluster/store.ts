/** The objects of one resource as last heard of, frozen; nothing here goes back in time unless told to start over. */
import { deepFreeze } from './freeze.ts'
import { type KubeObject, keyOf } from './object.ts'
import { isOlder } from './resource-version.ts'

type Entry<T> = { readonly resourceVersion: string; readonly value: T }

const versionOf = ({ metadata }: KubeObject): string => metadata.resourceVersion ?? ''

/** `keep` says what of an object is worth its memory. Each method tells whether anything changed. */
export class Store<T> {
  readonly #keep: (object: KubeObject) => T
  #entries = new Map<string, Entry<T>>()

  constructor(keep: (object: KubeObject) => T) {
    this.#keep = keep
  }

  get(key: string): T | undefined {
    return this.#entries.get(key)?.value
  }

  values(): readonly T[] {
    return [...this.#entries.values()].map((e) => e.value)
  }

  get size(): number {
    return this.#entries.size
  }

  /** A whole list: what is not in it is gone. */
  replace(objects: readonly KubeObject[]): boolean {
    const before = this.#entries
    this.#entries = new Map(
      objects.map((object) => {
        const key = keyOf(object.metadata)
        const known = before.get(key)
        return [key, known?.resourceVersion === versionOf(object) ? known : this.#entry(object)]
      }),
    )
    return before.size !== this.#entries.size || [...this.#entries].some(([key, e]) => before.get(key) !== e)
  }

  /** An object as it is now; old news change nothing. */
  put(object: KubeObject): boolean {
    const key = keyOf(object.metadata)
    const known = this.#entries.get(key)
    const version = versionOf(object)
    if (known !== undefined && (known.resourceVersion === version || isOlder(version, known.resourceVersion))) {
      return false
    }
    this.#entries.set(key, this.#entry(object))
    return true
  }

  /** An object that is gone, unless a younger one of its name is there. */
  remove(object: KubeObject): boolean {
    const key = keyOf(object.metadata)
    const known = this.#entries.get(key)
    if (known === undefined || isOlder(versionOf(object), known.resourceVersion)) return false
    return this.#entries.delete(key)
  }

  #entry(object: KubeObject): Entry<T> {
    return { resourceVersion: versionOf(object), value: deepFreeze(this.#keep(object)) }
  }
}
