/** An API server in memory that answers at once: it keeps objects as JSON text, and its watches tell of each change. */
import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import type { Api, Scope } from '../operator/cluster/api/api.ts'
import { ApiError } from '../operator/cluster/api/api-error.ts'
import { type KubeObject, keyOf } from '../operator/cluster/api/object.ts'
import type { Resource } from '../operator/cluster/api/resource.ts'

/** Objects by key, in buffers, so that they are outside of the heap that is measured. */
type Stored = Map<string, Buffer>

const notFound = (what: string): ApiError =>
  new ApiError('refused', `${what} is not there`, { code: 404, status: { code: 404, reason: 'NotFound' } })

export class MemoryApi implements Api {
  readonly #stored = new Map<string, Stored>()
  readonly #watches = new Set<{ readonly kind: string; readonly stream: PassThrough }>()
  #version = 1000
  /** How often an object was stored. */
  writes = 0

  put(object: KubeObject): KubeObject {
    this.writes += 1
    this.#version += 1
    const { kind } = object
    const key = keyOf(object.metadata)
    const before = this.#of(kind).get(key)
    const uid = before === undefined ? `00000000-0000-4000-8000-${String(this.#version).padStart(12, '0')}` : undefined
    const metadata = {
      ...(before === undefined ? { uid, creationTimestamp: born(this.#version) } : parsed(before).metadata),
      ...object.metadata,
      resourceVersion: String(this.#version),
    }
    const now = Buffer.from(JSON.stringify({ ...object, metadata }))
    this.#of(kind).set(key, now)
    this.#tell(kind, before === undefined ? 'ADDED' : 'MODIFIED', now)
    return parsed(now)
  }

  read(kind: string, key: string): KubeObject {
    const found = this.#of(kind).get(key)
    if (found === undefined) throw notFound(`${kind} ${key}`)
    return parsed(found)
  }

  async discover(path: string): Promise<unknown> {
    throw notFound(path)
  }

  async get(resource: Resource, at: { readonly namespace?: string; readonly name?: string }): Promise<KubeObject> {
    return this.read(resource.kind, keyOf({ ...at, name: at.name ?? '' }))
  }

  async listPage(resource: Resource, _scope: Scope, page: { readonly limit: number; readonly continue?: string }) {
    const begin = Number(page.continue ?? 0)
    const end = begin + page.limit
    const all = [...this.#of(resource.kind).values()]
    const items = JSON.parse(`[${all.slice(begin, end).join()}]`) as KubeObject[]
    return { items, resourceVersion: String(this.#version), ...(end < all.length && { continue: String(end) }) }
  }

  async watch(
    { kind }: Resource,
    _scope: Scope,
    _from: unknown,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<IncomingMessage> {
    const watch = { kind, stream: new PassThrough() }
    this.#watches.add(watch)
    watch.stream.on('close', () => this.#watches.delete(watch))
    signal?.addEventListener('abort', () => watch.stream.end())
    return watch.stream as unknown as IncomingMessage
  }

  async create(object: KubeObject): Promise<KubeObject> {
    return this.put(object)
  }

  async replace(object: KubeObject): Promise<KubeObject> {
    return this.put(object)
  }

  async apply(object: KubeObject, { subresource }: { readonly subresource?: 'status' } = {}): Promise<KubeObject> {
    if (subresource === undefined) return this.put(object)
    return this.put({ ...this.read(object.kind, keyOf(object.metadata)), status: object['status'] })
  }

  /** Changes nothing and returns the object, as the empty patch does by which the operator looks at an object. */
  async merge(resource: Resource, at: { readonly namespace?: string; readonly name?: string }): Promise<KubeObject> {
    return this.get(resource, at)
  }

  async remove(resource: Resource, at: { readonly namespace?: string; readonly name?: string }): Promise<void> {
    this.#of(resource.kind).delete(keyOf({ ...at, name: at.name ?? '' }))
  }

  #of(kind: string): Stored {
    const known = this.#stored.get(kind) ?? new Map()
    this.#stored.set(kind, known)
    return known
  }

  #tell(kind: string, type: string, object: Buffer): void {
    for (const watch of this.#watches) {
      if (watch.kind === kind) watch.stream.write(`{"type":"${type}","object":${object}}\n`)
    }
  }
}

const parsed = (text: Buffer): KubeObject => JSON.parse(text.toString()) as KubeObject

/** A creation time for a resource version: ten objects are created in each second. */
const born = (version: number): string =>
  new Date(Date.UTC(2026, 0) + Math.floor(version / 10) * 1000).toISOString().replace('.000Z', 'Z')
