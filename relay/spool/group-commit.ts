/** Many callers share one slow deed: one batch is under way, one is gathered for the next. */

/**
 * `add` resolves or rejects with the batch that its item went into. Nothing waits for a batch to fill: what arrives
 * while the disk is busy shares the next turn, so batches grow with the load and are gone without it.
 */
export type Shared<T> = {
  add(item: T): Promise<void>
  /** Resolves when nothing is under way. */
  idle(): Promise<void>
}

export function shared<T>(deed: (batch: readonly T[]) => Promise<void>): Shared<T> {
  let last = Promise.resolve()
  let gathered: { readonly items: T[]; readonly done: Promise<void> } | undefined

  const gather = (): { readonly items: T[]; readonly done: Promise<void> } => {
    const items: T[] = []
    const done = last.then(() => {
      gathered = undefined
      return deed(items)
    })
    last = done.catch(() => undefined)
    return { items, done }
  }

  return {
    add(item) {
      gathered ??= gather()
      gathered.items.push(item)
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
