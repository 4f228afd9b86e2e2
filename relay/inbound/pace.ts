/** A content has to keep coming: who sends a drop at a time holds a connection, and a queue entry, for as long as it likes. */

export type Pace = { readonly bytesPerSecond: number; readonly patienceMs: number }

/**
 * The chunks as they come. The time to wait for the next one is what is left of the patience; octets buy it back at the
 * rate. Time that we spend on a chunk ourselves does not count.
 */
export async function* keepingPace(
  chunks: AsyncIterable<Buffer>,
  { bytesPerSecond, patienceMs }: Pace,
  tooSlow: () => void,
): AsyncGenerator<Buffer> {
  const iterator = chunks[Symbol.asyncIterator]()
  try {
    for (let left = patienceMs; ; ) {
      const since = performance.now()
      const deadline = setTimeout(tooSlow, left)
      const next = await iterator.next().finally(() => clearTimeout(deadline))
      if (next.done) return
      const waited = performance.now() - since
      left = Math.min(patienceMs, Math.max(0, left - waited) + (next.value.length * 1000) / bytesPerSecond)
      yield next.value
    }
  } finally {
    await iterator.return?.()
  }
}
