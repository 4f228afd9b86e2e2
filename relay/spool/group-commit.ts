/** Many callers share one slow deed: one batch is under way, one is gathered for the next. */

/**
 * `add` resolves or rejects with the batch that its item went into. Nothing waits for a batch to fill: what arrives
 * while the disk is busy shares the next turn, so batches grow with the load and are gone without it. A full batch
 * is followed by another one, since all of a batch is dealt with in one turn of the event loop.
 */
export type Shared<T> = {
  add(item: T): Promise<void>
  /** Resolves when nothing is under way. */
  idle(): Promise<void>
}

type Batch<T> = { readonly items: T[]; readonly done: Promise<void>; weight: number }

/** `full`: a batch that weighs as much takes no further item. */
export function shared<T>(
  deed: (batch: readonly T[]) => Promise<void>,
  weigh: (item: T) => number = () => 0,
  full = Number.POSITIVE_INFINITY,
): Shared<T> {
  let last = Promise.resolve()
  let gathered: Batch<T> | undefined

  const gather = (): Batch<T> => {
    const items: T[] = []
    const done = last.then(() => {
      if (gathered?.items === items) gathered = undefined
      return deed(items)
    })
    last = done.catch(() => undefined)
    return { items, done, weight: 0 }
  }

  return {
    add(item) {
      if (gathered === undefined || gathered.weight >= full) gathered = gather()
      gathered.items.push(item)
      gathered.weight += weigh(item)
      return gathered.done
    },
    async idle() {
      for (let seen: Promise<void> | undefined; seen !== last; ) {
        seen = last
        await seen
      }
    },
  }
}
