/** Makes one object as it should be, by server-side apply; what belongs to others is told, and left as it is. */
import { type Api, fieldManager, told } from './api.ts'
import { type ApiError, isConflict } from './api-error.ts'
import { holds } from './holds.ts'
import { look } from './look.ts'
import type { KubeObject } from './object.ts'
import { belongingOf, marked, type Owner } from './ownership.ts'
import { resourceOf } from './resource.ts'

export type Applied =
  | { readonly kind: 'unchanged' | 'applied'; readonly object: KubeObject }
  /** There is an object of that name, and it is not ours. */
  | { readonly kind: 'foreign'; readonly what: string }
  /** Others claim fields of it by server-side apply, so that two programs would write in turns. */
  | {
      readonly kind: 'contested'
      readonly what: string
      readonly managers: readonly string[]
      readonly fields: readonly string[]
    }
  /** An earlier one is still being deleted; then comes ours. */
  | { readonly kind: 'leaving'; readonly what: string }

/** What a batch of writes stands on. */
export type Writing = {
  readonly api: Api
  /** Asked before each write. */
  readonly mayWrite: () => boolean
  readonly signal: AbortSignal
}

/** Thrown where a write was due and another operator has taken over: nothing is wrong, and nothing is to be retried. */
export class Deposed extends Error {}

type Options = {
  /** Only over the very version that was observed: whoever has an old view of the world changes nothing. */
  readonly onlyObserved?: boolean
}

/**
 * `observed` is the object as a watch told of it, where it did.
 * @throws ApiError for trouble that passes, and for what the API server refuses.
 */
export async function applyObject(
  object: KubeObject,
  observed: KubeObject | undefined,
  owner: Owner,
  writing: Writing,
  options: Options = {},
): Promise<Applied> {
  const desired = marked(object, owner)
  const before = observed ?? (await read(desired, writing))
  if (before === 'foreign') return { kind: 'foreign', what: told(desired) }
  if (before === undefined) return create(desired, writing)
  const belonging = belongingOf(before, owner)
  if (belonging !== 'ours') return { kind: belonging, what: told(desired) }
  if (holds(before, desired)) return { kind: 'unchanged', object: before }
  return change(desired, before, owner, writing, options)
}

async function read(desired: KubeObject, { api, signal }: Writing): Promise<KubeObject | 'foreign' | undefined> {
  const seen = await look(api, resourceOf(desired), desired.metadata, signal)
  return seen.is === 'there' ? seen.object : seen.is === 'foreign' ? 'foreign' : undefined
}

async function create(desired: KubeObject, writing: Writing): Promise<Applied> {
  const object = await write(desired, writing)
  const others = (object.metadata.managedFields ?? []).some((m) => m.manager !== fieldManager)
  if (!others) return { kind: 'applied', object }
  // Somebody made one of that name in the very moment: ours goes out of it again, and leaves theirs as it was.
  const { apiVersion, kind, metadata } = desired
  const { namespace, name } = metadata
  await write({ apiVersion, kind, metadata: { name, ...(namespace !== undefined && { namespace }) } }, writing)
  return { kind: 'foreign', what: told(desired) }
}

async function change(
  desired: KubeObject,
  before: KubeObject,
  owner: Owner,
  writing: Writing,
  { onlyObserved = false }: Options,
): Promise<Applied> {
  const version = onlyObserved ? before.metadata.resourceVersion : undefined
  try {
    return { kind: 'applied', object: await write(only(desired, before, version), writing) }
  } catch (error) {
    const conflicts = isConflict(error) ? (error as ApiError).fieldConflicts : []
    if (conflicts.length === 0) throw error
    const now = await read(desired, writing)
    if (now === undefined || now === 'foreign' || belongingOf(now, owner) !== 'ours') throw error
    const claims = standingClaims(now)
    const contested = conflicts.filter(({ manager }) => claims.has(manager))
    if (contested.length === 0) {
      return { kind: 'applied', object: await write(only(desired, now, version), writing, true) }
    }
    const managers = [...new Set(contested.map((c) => c.manager))]
    return { kind: 'contested', what: told(desired), managers, fields: contested.map((c) => c.field) }
  }
}

/** This very object, not a later one of its name; with a version, as it was then. */
const only = (desired: KubeObject, { metadata: { uid } }: KubeObject, resourceVersion?: string): KubeObject => ({
  ...desired,
  metadata: {
    ...desired.metadata,
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
  },
})

/** A field that somebody edited is drift, and is set right; one that a program applies would be set back at once. */
const standingClaims = ({ metadata }: KubeObject): ReadonlySet<string> =>
  new Set((metadata.managedFields ?? []).filter((m) => m.operation === 'Apply').map((m) => m.manager))

function write(object: KubeObject, { api, mayWrite, signal }: Writing, force = false): Promise<KubeObject> {
  if (!mayWrite()) throw new Deposed(`${told(object)} is for another operator to write`)
  return api.apply(object, { force, signal })
}
