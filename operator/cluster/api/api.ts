/** The verbs of the Kubernetes API over plain JSON objects. */
import type { IncomingMessage } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { ApiError } from './api-error.ts'
import type { Connection } from './connection.ts'
import { type KubeObject, keyOf, type ObjectMeta } from './object.ts'
import { Pace, type Rate } from './pace.ts'
import { type Place, pathOf, type Resource, resourceOf } from './resource.ts'
import { type Call, openWire } from './wire.ts'

/**
 * The field manager of all that the operator applies: what it applied before and no longer applies is removed by the API
 * server.
 */
export const fieldManager = 'relayfleet'

/** Which objects of a resource. */
export type Scope = {
  /** Absent: all namespaces. */
  readonly namespace?: string
  readonly labelSelector?: string
  /** Metadata only: the API server sends nothing else of the object, so no value of a Secret either. */
  readonly metadataOnly?: boolean
}

export type Page = {
  readonly items: readonly KubeObject[]
  readonly resourceVersion: string
  /** Absent on the last page. */
  readonly continue?: string
}

type Options = { readonly signal?: AbortSignal; readonly timeoutMs?: number }

export type Api = {
  /** The JSON that the API server answers at a path which is no resource's. */
  discover(path: string, options?: Options): Promise<unknown>
  get(resource: Resource, at: Place, options?: Options & { readonly metadataOnly?: boolean }): Promise<KubeObject>
  listPage(
    resource: Resource,
    scope: Scope,
    page: { readonly limit: number; readonly continue?: string },
    options?: Options,
  ): Promise<Page>
  /** A stream of lines of JSON; `timeoutMs` is for its headers. The caller has to end it. */
  watch(
    resource: Resource,
    scope: Scope,
    from: { readonly resourceVersion: string; readonly timeoutSeconds: number },
    options?: Options,
  ): Promise<IncomingMessage>
  create(object: KubeObject, options?: Options): Promise<KubeObject>
  /** With a resourceVersion in the object, only over that very version. */
  replace(object: KubeObject, options?: Options): Promise<KubeObject>
  /** Server-side apply: `object` has all the fields that are to be ours, and no others. */
  apply(
    object: KubeObject,
    options?: Options & { readonly force?: boolean; readonly subresource?: 'status' },
  ): Promise<KubeObject>
  /** A JSON merge patch. */
  merge(
    resource: Resource,
    at: Place,
    change: unknown,
    /** `dryRun`: everything is judged and answered, and nothing is stored. `manager`: in whose name; absent: the operator's. */
    options?: Options & { readonly dryRun?: boolean; readonly manager?: string },
  ): Promise<KubeObject>
  remove(
    resource: Resource,
    at: Place,
    only: Pick<ObjectMeta, 'uid' | 'resourceVersion'>,
    options?: Options,
  ): Promise<void>
}

export type Limits = {
  readonly rate: Rate
  /** For one whole answer; milliseconds. */
  readonly callMs: number
  /** For one page of a list. */
  readonly listMs: number
}

const ordinary: Limits = { rate: { perSecond: 50, burst: 100 }, callMs: 15_000, listMs: 60_000 }

const metadataOf = (kind: 'PartialObjectMetadata' | 'PartialObjectMetadataList'): string =>
  `application/json;as=${kind};g=meta.k8s.io;v=v1`

export function openApi(connection: Connection, limits: Partial<Limits> = {}): Api {
  const { rate, callMs, listMs } = { ...ordinary, ...limits }
  const wire = openWire(connection)
  const pace = new Pace(rate)

  async function call(request: Omit<Call, 'timeoutMs'>, { signal, timeoutMs = callMs }: Options = {}) {
    const waitMs = pace.waitMs(performance.now())
    if (waitMs > 0) await wait(waitMs, undefined, signal === undefined ? {} : { signal }).catch(givenUp(request))
    return wire.call({ ...request, timeoutMs, ...(signal !== undefined && { signal }) })
  }
  const write = async (request: Omit<Call, 'timeoutMs'>, options?: Options): Promise<KubeObject> =>
    objectOf(request, await call(request, options))

  return {
    discover: (path, options) =>
      call({ method: 'GET', path, accept: 'application/json, application/jwk-set+json' }, options),
    async get(resource, at, { metadataOnly = false, ...options } = {}) {
      const accept = metadataOnly ? metadataOf('PartialObjectMetadata') : 'application/json'
      const request = { method: 'GET', path: pathOf(resource, at), accept } as const
      return {
        ...objectOf(request, await call(request, options)),
        apiVersion: resource.apiVersion,
        kind: resource.kind,
      }
    },
    async listPage(resource, { namespace, labelSelector, metadataOnly }, page, options) {
      const request = {
        method: 'GET',
        path: pathOf(resource, { ...(namespace !== undefined && { namespace }) }),
        query: {
          limit: String(page.limit),
          ...(page.continue !== undefined && { continue: page.continue }),
          ...(labelSelector !== undefined && { labelSelector }),
        },
        ...(metadataOnly === true && { accept: metadataOf('PartialObjectMetadataList') }),
      } as const
      return pageOf(resource, request, await call(request, { timeoutMs: listMs, ...options }))
    },
    watch: (resource, { namespace, labelSelector, metadataOnly }, from, { signal, timeoutMs = callMs } = {}) =>
      wire.stream({
        method: 'GET',
        path: pathOf(resource, { ...(namespace !== undefined && { namespace }) }),
        query: {
          watch: '1',
          allowWatchBookmarks: 'true',
          resourceVersion: from.resourceVersion,
          timeoutSeconds: String(from.timeoutSeconds),
          ...(labelSelector !== undefined && { labelSelector }),
        },
        ...(metadataOnly === true && { accept: metadataOf('PartialObjectMetadata') }),
        timeoutMs,
        ...(signal !== undefined && { signal }),
      }),
    create: (object, options) =>
      write({ method: 'POST', path: collectionOf(object), query: { fieldManager }, body: object }, options),
    replace: (object, options) =>
      write({ method: 'PUT', path: placeOf(object), query: { fieldManager }, body: object }, options),
    apply: (object, { force = false, subresource, ...options } = {}) =>
      write(
        {
          method: 'PATCH',
          path: placeOf(object, subresource),
          query: { fieldManager, force: String(force), fieldValidation: 'Strict' },
          contentType: 'application/apply-patch+yaml',
          body: object,
        },
        options,
      ),
    merge: (resource, at, change, { dryRun = false, manager = fieldManager, ...options } = {}) =>
      write(
        {
          method: 'PATCH',
          path: pathOf(resource, at),
          query: { fieldManager: manager, ...(dryRun && { dryRun: 'All' }) },
          contentType: 'application/merge-patch+json',
          body: change,
        },
        options,
      ),
    async remove(resource, at, preconditions, options) {
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background', preconditions }
      await call({ method: 'DELETE', path: pathOf(resource, at), body }, options)
    },
  }
}

const givenUp =
  ({ method, path }: Pick<Call, 'method' | 'path'>) =>
  (error: unknown): never => {
    throw new ApiError('unreachable', `${method} ${path}: given up before it was sent`, { cause: error })
  }

const placeOf = (object: KubeObject, subresource?: 'status'): string =>
  pathOf(resourceOf(object), { ...object.metadata, ...(subresource !== undefined && { subresource }) })

const collectionOf = (object: KubeObject): string => {
  const { namespace } = object.metadata
  return pathOf(resourceOf(object), namespace === undefined ? {} : { namespace })
}

/** @throws ApiError when it has no metadata.name, as every object has. */
function objectOf({ method, path }: Pick<Call, 'method' | 'path'>, body: unknown): KubeObject {
  const object = body as Partial<KubeObject> | null
  if (typeof object?.metadata?.name === 'string') return object as KubeObject
  throw new ApiError('garbled', `${method} ${path}: the answer is no object`)
}

function pageOf(resource: Resource, { method, path }: Pick<Call, 'method' | 'path'>, body: unknown): Page {
  const list = body as { metadata?: { resourceVersion?: string; continue?: string }; items?: unknown } | null
  const { resourceVersion, continue: rest } = list?.metadata ?? {}
  // An empty list of PartialObjectMetadata has null for its items.
  const listed = list?.items === null ? [] : list?.items
  if (resourceVersion === undefined || !Array.isArray(listed)) {
    throw new ApiError('garbled', `${method} ${path}: the answer is no list`)
  }
  const { apiVersion, kind } = resource
  const items = (listed as KubeObject[]).map((item) => ({ ...item, apiVersion, kind }))
  return { items, resourceVersion, ...(rest !== undefined && rest !== '' && { continue: rest }) }
}

/** For messages: `Secret team-a/smtp`. */
export const told = ({ kind, metadata }: KubeObject): string => `${kind} ${keyOf(metadata)}`
