/** Does several things; a failure of one keeps none of the others from being done. */

type Act = () => unknown

/** One that failed, with its error's message; `act` may be called again by itself. */
export type Undone = { readonly act: Act; readonly why: string }

/**
 * Begins all acts in this turn, in their order, and resolves with those that failed when all have ended.
 */
export async function together(acts: readonly Act[]): Promise<readonly Undone[]> {
  const ended = await Promise.all(acts.map(failureOf))
  return ended.filter((undone) => undone !== undefined)
}

async function failureOf(act: Act): Promise<Undone | undefined> {
  try {
    await act()
    return undefined
  } catch (error) {
    return { act, why: (error as Error).message }
  }
}
