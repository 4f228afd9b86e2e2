/** Makes one object as it should be, by server-side apply; what belongs to others is told, and left as it is. */
import { type Api, fieldManager, told } from '../api/api.ts'
import { type ApiError, isConflict, isForbidden, isInvalid } from '../api/api-error.ts'
import type { KubeObject } from '../api/object.ts'
import { resourceOf } from '../api/resource.ts'
import { holds } from './holds.ts'
import { look } from './look.ts'
import { belongingOf, lostLabels, marked, type Owner } from './ownership.ts'

export type Applied =
  | { readonly kind: 'unchanged' | 'applied'; readonly object: KubeObject }
  /** There is an object of that name that is not ours; or it was ours, and has lost the labels that say so (`lost`). */
  | { readonly kind: 'foreign'; readonly what: string; readonly lost?: readonly string[] }
  /** Others claim fields of it by server-side apply: to force ours would make two programs write in turns without an end. */
  | {
      readonly kind: 'contested'
      readonly what: string
      readonly managers: readonly string[]
      readonly fields: readonly string[]
    }
  /** An earlier object of that name is still being deleted; ours comes after it. */
  | { readonly kind: 'leaving'; readonly what: string }

/** What every write needs. */
export type Writing = {
  readonly api: Api
  /** Asked before each write. */
  readonly mayWrite: () => boolean
  readonly signal: AbortSignal
}

/** Thrown where a write was due and another operator has taken over: nothing is wrong, and nothing is to be retried. */
export class Deposed extends Error {}

/** Thrown where an earlier object of that name is still being deleted: it is tried again. */
export class Leaving extends Error {}

type Options = {
  /** Only over the version that was observed, so that an operator with an outdated view changes nothing. */
  readonly onlyObserved?: boolean
}

/**
 * Makes `object` as it should be, for its owner. `observed` is the object as a watch told of it; undefined: it is looked at
 * first.
 * @throws ApiError for trouble that passes, and for what the API server refuses; Deposed.
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
  if (before === undefined) return create(desired, owner, writing, options)
  return judge(desired, before, owner, writing, options)
}

async function judge(
  desired: KubeObject,
  before: KubeObject,
  owner: Owner,
  writing: Writing,
  options: Options,
): Promise<Applied> {
  const belonging = belongingOf(before, owner)
  if (belonging === 'foreign') return { kind: belonging, what: told(desired), ...lostBy(before, owner) }
  if (belonging === 'leaving') return { kind: belonging, what: told(desired) }
  if (holds(before, desired)) return { kind: 'unchanged', object: before }
  return change(desired, before, owner, writing, options)
}

function lostBy(before: KubeObject, owner: Owner): { readonly lost?: readonly string[] } {
  const lost = lostLabels(before, owner)
  return lost.length > 0 ? { lost } : {}
}

/** No object has this resourceVersion: an apply with it creates an object, and conflicts where there is one. */
export const versionOfNone = '1'

/**
 * Creates an object that was looked for and is not there, and changes nothing where somebody has created one since.
 * @throws ApiError, which is a conflict where there is one; Deposed
 */
export async function applyNew(object: KubeObject, owner: Owner, writing: Writing): Promise<KubeObject> {
  return write(asNew(marked(object, owner)), writing)
}

const asNew = (desired: KubeObject): KubeObject => ({
  ...desired,
  metadata: { ...desired.metadata, resourceVersion: versionOfNone },
})

async function read(desired: KubeObject, { api, signal }: Writing): Promise<KubeObject | 'foreign' | undefined> {
  const seen = await look(api, resourceOf(desired), desired.metadata, signal)
  return seen.is === 'there' ? seen.object : seen.is === 'foreign' ? 'foreign' : undefined
}

/** What somebody has created since is not overwritten: it is looked at, and judged like any other object. */
async function create(desired: KubeObject, owner: Owner, writing: Writing, options: Options): Promise<Applied> {
  try {
    return { kind: 'applied', object: await write(asNew(desired), writing) }
  } catch (error) {
    if (!isConflict(error) || options.onlyObserved === true) throw error
    const now = await read(desired, writing)
    if (now === undefined) throw error
    return now === 'foreign' ? { kind: 'foreign', what: told(desired) } : judge(desired, now, owner, writing, options)
  }
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
    return await over(before, only(desired, before, version), desired, writing)
  } catch (error) {
    const conflicts = isConflict(error) ? (error as ApiError).fieldConflicts : []
    if (conflicts.length === 0) throw error
    const now = await read(desired, writing)
    if (now === undefined || now === 'foreign' || belongingOf(now, owner) !== 'ours') throw error
    const claims = standingClaims(now)
    const contested = conflicts.filter(({ manager }) => claims.has(manager))
    if (contested.length === 0) return over(now, only(desired, now, version), desired, writing, true)
    const managers = [...new Set(contested.map((c) => c.manager))]
    return { kind: 'contested', what: told(desired), managers, fields: contested.map((c) => c.field) }
  }
}

/**
 * Applies `change`. Where the API server refuses that for what others have added to a list, all lists are replaced by a merge
 * patch.
 */
async function over(
  before: KubeObject,
  change: KubeObject,
  desired: KubeObject,
  writing: Writing,
  force = false,
): Promise<Applied> {
  try {
    return await whole(await write(change, writing, force), desired, writing)
  } catch (error) {
    // Others put something into a list, where server-side apply leaves it: now a name is there twice (422), as of a port that
    // somebody renumbered; or something that a policy forbids (403), which stays where a program has a standing claim.
    if (!isInvalid(error) && !(isForbidden(error) && standingClaims(before).size === 0)) throw error
    return { kind: 'applied', object: await straighten(change, writing) }
  }
}

/** Server-side apply leaves what others have put into a list. Unless a program has a standing claim on it, it is removed. */
async function whole(object: KubeObject, desired: KubeObject, writing: Writing): Promise<Applied> {
  if (holds(object, desired) || standingClaims(object).size > 0) return { kind: 'applied', object }
  return { kind: 'applied', object: await straighten(only(desired, object, object.metadata.resourceVersion), writing) }
}

/** A merge patch replaces whole lists, so nothing else is in them afterwards. */
function straighten(desired: KubeObject, { api, mayWrite, signal }: Writing): Promise<KubeObject> {
  if (!mayWrite()) throw new Deposed(`${told(desired)} is for another operator to write`)
  const { apiVersion: _, kind: __, ...change } = desired
  return api.merge(resourceOf(desired), desired.metadata, change, { signal })
}

/** `desired` for this very object and not for a later one of its name; with a version, only for that version. */
const only = (desired: KubeObject, { metadata: { uid } }: KubeObject, resourceVersion?: string): KubeObject => ({
  ...desired,
  metadata: {
    ...desired.metadata,
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
  },
})

/**
 * The other managers that apply the object. A field that a person has edited is drift, and is set right; one that a program
 * applies would be set back at once.
 */
const standingClaims = ({ metadata }: KubeObject): ReadonlySet<string> =>
  new Set(
    (metadata.managedFields ?? [])
      .filter((m) => m.operation === 'Apply' && m.manager !== fieldManager)
      .map((m) => m.manager),
  )

function write(object: KubeObject, { api, mayWrite, signal }: Writing, force = false): Promise<KubeObject> {
  if (!mayWrite()) throw new Deposed(`${told(object)} is for another operator to write`)
  return api.apply(object, { force, signal })
}
