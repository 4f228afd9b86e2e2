/** What a credential's status says of its keys beyond what was recorded: when each was last used, and RotationPending. Pure. */
import { type Heard, type Key, type KeyUse, type Rotation, timeOf } from './lifecycle/keys.ts'
import { type RotationPending, rotationPending } from './lifecycle/rotation-pending.ts'

export type KeySaying = {
  readonly fields: { readonly keys: readonly Key[] }
  readonly condition?: RotationPending
}

/** Without a `rotation`, nothing is rotated now (the credential has no binding), so nothing is pending. */
export function keySaying(keys: readonly Key[], rotation: Rotation | undefined, heard: Heard, now: number): KeySaying {
  const condition = rotation === undefined ? undefined : rotationPending(keys, rotation, heard, now)
  return {
    fields: { keys: keys.map((key) => ({ ...key, ...lastUse(key, heard.uses.get(key.id)) })) },
    ...(condition !== undefined && { condition }),
  }
}

const [minuteMs, hourMs] = [60_000, 3_600_000]

/**
 * Times are rounded down: of a retiring key to the minute, of the current one, which is in use all the time, to the hour, so
 * that ten thousand statuses are not written every minute. A time before the key was made becomes the one when it was made.
 */
function lastUse({ state, createdAt }: Key, use: KeyUse | undefined) {
  if (use === undefined) return {}
  const grain = state === 'Retiring' ? minuteMs : hourMs
  const full = Math.floor(use.at / grain) * grain
  const made = timeOf(createdAt) ?? full
  const at = made <= use.at ? Math.max(full, made) : full
  return {
    lastUsedAt: new Date(at).toISOString().replace('.000Z', 'Z'),
    lastUsedFrom: { network: use.network },
  }
}

/** The uses of keys that a status records, by id: all that is known until a relay has reported. */
export function usesRecorded(status: Readonly<Record<string, unknown>>): ReadonlyMap<string, KeyUse> {
  const keys = Array.isArray(status['keys']) ? (status['keys'] as readonly unknown[]) : []
  return new Map(keys.flatMap(useIn))
}

function useIn(value: unknown): readonly (readonly [string, KeyUse])[] {
  const { id, lastUsedAt, lastUsedFrom } = (value ?? {}) as Readonly<Record<string, unknown>>
  const at = typeof lastUsedAt === 'string' ? timeOf(lastUsedAt) : undefined
  const { network } = (lastUsedFrom ?? {}) as Readonly<Record<string, unknown>>
  if (typeof id !== 'string' || at === undefined || Number.isNaN(at) || typeof network !== 'string') return []
  return [[id, { at, network }]]
}

/** For each key, the later of two uses. */
export function laterUses(
  a: ReadonlyMap<string, KeyUse>,
  b: ReadonlyMap<string, KeyUse> = new Map(),
): ReadonlyMap<string, KeyUse> {
  const found = new Map(a)
  for (const [id, use] of b) if (use.at >= (found.get(id)?.at ?? Number.NEGATIVE_INFINITY)) found.set(id, use)
  return found
}
