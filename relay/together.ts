/** Does several things of which none may keep another one from being done. */

/**
 * All are begun in this turn, in their order, whatever becomes of those before; what is wrong with those that failed, when
 * all have ended.
 */
export async function together(acts: readonly (() => unknown)[]): Promise<readonly string[]> {
  const ended = await Promise.allSettled(acts.map(async (act) => act()))
  return ended.flatMap((end) => (end.status === 'rejected' ? [(end.reason as Error).message] : []))
}
