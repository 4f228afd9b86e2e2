/** Secrets and ConfigMaps that policies name: looked at by name, again and again, and never read. */
import { isDeepStrictEqual } from 'node:util'
import type { Compiled, Reference } from '../compile/compiled.ts'
import type { Keyed, Name } from '../compile/snapshot.ts'
import type { Dirty } from '../dirty.ts'
import { type Backoff, backoffMs } from './backoff.ts'
import { rest } from './rest.ts'
import { type Sight, splitReference } from './sight.ts'

type Asked = Compiled['references']

export type Sightings = {
  /**
   * Looks at what of `asked` was not looked at yet, and resolves when there is an answer to each, or with the signal.
   * What can not be looked at for some seconds counts as there for now, so that one Secret that can not be decrypted
   * holds up nobody else's fleet. From then on each is looked at every half a minute, until it is no longer asked for.
   * An answer that changed raises the flag.
   */
  see(asked: Asked, signal: AbortSignal): Promise<void>
  /** Those that are there, of what was asked for. */
  secrets(): ReadonlyMap<Name, Keyed>
  configMaps(): ReadonlyMap<Name, Keyed>
  /** Looks again, until the signal ends; never rejects. */
  run(signal: AbortSignal): Promise<void>
}

export type SightingNews = { readonly about: 'sighting'; readonly what: Reference; readonly why: string }

type Sighted = { readonly keyed: Keyed | undefined; readonly isGuess: boolean; readonly againAt: number }

/** At most so many looks at the same time. */
const atOnce = 4
const ordinaryMs = 30_000
/** How long a first answer is waited for. */
const patienceMs = 10_000
/** Thousands of references are looked at less often, rather than to be the API server's trouble. */
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
  readonly tell?: (news: SightingNews) => void
  readonly everyMs?: number
  readonly random?: () => number
}): Sightings {
  const sighted = new Map<Reference, Sighted>()
  const looking = new Set<Reference>()
  let asked: Asked = new Set()

  const note = (reference: Reference, keyed: Keyed | undefined, isGuess = false): void => {
    const waitMs = (isGuess ? everyMs / 6 : everyMs) * (0.8 + 0.4 * random())
    sighted.set(reference, { keyed, isGuess, againAt: performance.now() + waitMs })
  }

  async function first(reference: Reference, signal: AbortSignal): Promise<void> {
    const begin = performance.now()
    for (let failures = 1; !signal.aborted && performance.now() - begin < patienceMs; failures++) {
      try {
        return note(reference, await sight(reference, signal))
      } catch (error) {
        if (!signal.aborted) tell({ about: 'sighting', what: reference, why: whyOf(error) })
        await rest(backoffMs(failures, retries, random()), signal)
      }
    }
    if (!signal.aborted) note(reference, {}, true)
  }

  async function again(reference: Reference, before: Sighted, signal: AbortSignal): Promise<void> {
    looking.add(reference)
    try {
      const keyed = await sight(reference, signal)
      if (!asked.has(reference)) return
      note(reference, keyed)
      if (!isDeepStrictEqual(keyed, before.keyed)) dirty.mark()
    } catch (error) {
      if (asked.has(reference)) note(reference, before.keyed, before.isGuess)
      if (!signal.aborted) tell({ about: 'sighting', what: reference, why: whyOf(error) })
    } finally {
      looking.delete(reference)
    }
  }

  /** The one that has waited longest, where one is due. */
  function due(now: number): readonly [Reference, Sighted] | undefined {
    let oldest: readonly [Reference, Sighted] | undefined
    for (const entry of sighted) {
      if (entry[1].againAt <= (oldest?.[1].againAt ?? now) && !looking.has(entry[0])) oldest = entry
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
      const unknown = [...asked].filter((r) => !sighted.has(r)).values()
      const worker = async (): Promise<void> => {
        for (const reference of unknown) await first(reference, signal)
      }
      await Promise.all(Array.from({ length: atOnce }, worker))
    },
    secrets: () => there('Secret'),
    configMaps: () => there('ConfigMap'),
    async run(signal) {
      while (!signal.aborted) {
        const next = looking.size < atOnce ? due(performance.now()) : undefined
        if (next !== undefined) void again(...next, signal)
        const stepMs = Math.min(longestMs, Math.max(shortestMs, everyMs / Math.max(1, sighted.size) / 2))
        await rest(stepMs, signal)
      }
    },
  }
}

const whyOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
