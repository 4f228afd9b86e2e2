/** Looking at what nobody tells of: everything in its turn, and never much at once. */
import { setTimeout as wait } from 'node:timers/promises'

export type Turns = {
  /** How often each is looked at, while there are few. */
  readonly everyMs: number
  /** Of all together. */
  readonly perSecond: number
}

export const ordinaryTurns: Turns = { everyMs: 30_000, perSecond: 2 }

/**
 * Until the signal ends. `begin` tells what there is to look at in one turn of one; `look` is not waited for, so that
 * one that hangs holds up no other.
 */
export async function takeTurns<One extends object>(
  all: () => readonly One[],
  begin: (one: One) => readonly string[],
  look: (one: One, what: string) => void,
  { everyMs, perSecond }: Turns,
  signal: AbortSignal,
): Promise<void> {
  const lastTurns = new WeakMap<One, number>()
  const lastTurn = (one: One): number => lastTurns.get(one) ?? Number.POSITIVE_INFINITY
  let waiting: (() => void)[] = []
  while (!signal.aborted) {
    const now = performance.now()
    for (const one of all()) if (!lastTurns.has(one)) lastTurns.set(one, now)
    if (waiting.length === 0) {
      const next = all().toSorted((a, b) => lastTurn(a) - lastTurn(b))[0]
      if (next !== undefined && lastTurn(next) + everyMs <= now) {
        lastTurns.set(next, now)
        waiting = begin(next).map((what) => () => look(next, what))
      }
    }
    waiting.shift()?.()
    await wait(1000 / perSecond, undefined, { signal }).catch(() => undefined)
  }
}
