/** Secrets and ConfigMaps that policies name: looked at by name, again and again; their values are never kept. */
import { isDeepStrictEqual } from 'node:util'
import { type Backoff, backoffMs, spread } from '../../backoff.ts'
import type { Compiled, Reference } from '../../compile/compiled.ts'
import { type Keyed, type Name, namespaceIn } from '../../compile/snapshot.ts'
import type { Dirty } from '../../dirty.ts'
import { rest } from '../api/rest.ts'
import { whyOf } from '../write/refused.ts'
import { Room } from '../write/room.ts'
import { type Sight, splitReference } from './sight.ts'

type Asked = Compiled['references']

export type Sightings = {
  /**
   * Looks at those of `asked` that nobody has looked at yet; resolves when there is an answer to each, or with the signal.
   * When no answer has come for some seconds, the others count as there for now, so that one Secret that can not be decrypted
   * holds up nobody else's fleet. From then on each is looked at every half a minute, until it is no longer asked for; an
   * answer that changed raises the flag.
   */
  see(asked: Asked, signal: AbortSignal): Promise<void>
  /** Those of `asked` that are there, or count as there. */
  secrets(): ReadonlyMap<Name, Keyed>
  configMaps(): ReadonlyMap<Name, Keyed>
  /** Looks again, until the signal ends; never rejects. */
  run(signal: AbortSignal): Promise<void>
}

type Sighted = { readonly keyed: Keyed | undefined; readonly isGuess: boolean; readonly againAt: number }

/** At most so many looks at the same time. */
const atOnce = 4
const ordinaryMs = 30_000
/** How long the next answer is waited for: at first; and later, when fleets that are at work already wait for it too. */
const patienceMs = 5000
const newcomersMs = 4000
/** How long one look may take; one that hangs is tried again after all others. */
const tryMs = 1000
/**
 * Bounds of the pause between two looks: each of thousands of references is looked at less often than `everyMs`, so that the
 * API server is not burdened.
 */
const shortestMs = 100
const longestMs = 1000
const retries: Backoff = { firstMs: 250, longestMs: 2000 }

export function openSightings({
  sight,
  dirty,
  tell = () => undefined,
  everyMs = ordinaryMs,
  random = Math.random,
}: {
  readonly sight: Sight
  /** Raised when an answer changed. */
  readonly dirty: Pick<Dirty, 'mark'>
  /** A look that failed; the last answer stays. */
  readonly tell?: (reference: Reference, why: string) => void
  readonly everyMs?: number
  readonly random?: () => number
}): Sightings {
  const sighted = new Map<Reference, Sighted>()
  const looking = new Set<Reference>()
  const room = new Room(() => undefined, { most: atOnce, mostInAll: 32, mostOfOne: atOnce, longMs: 250 })
  let asked: Asked = new Set()
  let hasBegun = false

  const note = (reference: Reference, keyed: Keyed | undefined, isGuess = false): void => {
    const waitMs = spread(isGuess ? everyMs / 6 : everyMs, random())
    sighted.set(reference, { keyed, isGuess, againAt: performance.now() + waitMs })
  }

  /**
   * Takes references from `queue` until it is empty or the signal ends; one whose look failed goes to the end of it, and
   * waits before it is tried again.
   */
  async function first(queue: Reference[], tries: Map<Reference, number>, answered: () => void, signal: AbortSignal) {
    for (let reference = queue.shift(); reference !== undefined && !signal.aborted; reference = queue.shift()) {
      const before = tries.get(reference) ?? 0
      if (before > 0) await rest(backoffMs(before, retries, random()), signal)
      try {
        note(reference, await sight(reference, AbortSignal.any([signal, AbortSignal.timeout(tryMs)])))
        answered()
      } catch (error) {
        if (!signal.aborted) tell(reference, whyOf(error))
        tries.set(reference, before + 1)
        queue.push(reference)
      }
    }
  }

  async function firstOf(unknown: readonly Reference[], signal: AbortSignal): Promise<void> {
    const over = new AbortController()
    const patience = setTimeout(() => over.abort(), hasBegun ? newcomersMs : patienceMs)
    const ending = AbortSignal.any([signal, over.signal])
    const [queue, tries] = [[...unknown], new Map<Reference, number>()]
    const worker = (): Promise<void> => first(queue, tries, () => void patience.refresh(), ending)
    await Promise.all(Array.from({ length: atOnce }, worker))
    clearTimeout(patience)
    if (signal.aborted) return
    for (const reference of unknown.filter((r) => !sighted.has(r))) {
      if (!tries.has(reference)) tell(reference, 'no answer yet: it counts as there')
      note(reference, {}, true)
    }
  }

  async function again(reference: Reference, before: Sighted, signal: AbortSignal): Promise<void> {
    const leave = room.enter(namespaceIn(reference))
    looking.add(reference)
    try {
      const keyed = await sight(reference, signal)
      if (!asked.has(reference)) return
      note(reference, keyed)
      if (!isDeepStrictEqual(keyed, before.keyed)) dirty.mark()
    } catch (error) {
      if (asked.has(reference)) note(reference, before.keyed, before.isGuess)
      if (!signal.aborted) tell(reference, whyOf(error))
    } finally {
      looking.delete(reference)
      leave?.()
    }
  }

  /** The one that has waited longest, where one is due. */
  function due(now: number): readonly [Reference, Sighted] | undefined {
    let oldest: readonly [Reference, Sighted] | undefined
    for (const entry of sighted) {
      const isOlder = entry[1].againAt <= (oldest?.[1].againAt ?? now)
      if (isOlder && !looking.has(entry[0]) && room.hasFor(namespaceIn(entry[0]))) oldest = entry
    }
    return oldest
  }

  const there = (kind: string): ReadonlyMap<Name, Keyed> =>
    new Map(
      [...sighted].flatMap(([reference, { keyed }]) => {
        const split = splitReference(reference)
        return keyed !== undefined && split.kind === kind ? [[split.name, keyed] as const] : []
      }),
    )

  return {
    async see(now, signal) {
      asked = now
      for (const reference of sighted.keys()) if (!asked.has(reference)) sighted.delete(reference)
      const unknown = [...asked].filter((r) => !sighted.has(r))
      if (unknown.length > 0) await firstOf(unknown, signal)
      hasBegun = true
    },
    secrets: () => there('Secret'),
    configMaps: () => there('ConfigMap'),
    async run(signal) {
      while (!signal.aborted) {
        const next = due(performance.now())
        if (next !== undefined) void again(...next, signal)
        const stepMs = Math.min(longestMs, Math.max(shortestMs, everyMs / Math.max(1, sighted.size) / 2))
        await rest(stepMs, signal)
      }
    },
  }
}
