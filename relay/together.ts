/** Does several things of which none may keep another one from being done. */

type Act = () => unknown

/** To be done again, alone. */
export type Undone = { readonly act: Act; readonly why: string }

/**
 * All are begun in this turn, in their order, whatever becomes of those before; those that failed, when all have
 * ended.
 */
export async function together(acts: readonly Act[]): Promise<readonly Undone[]> {
  const ended = await Promise.all(acts.map(outcomeOf))
  return ended.filter((undone) => undone !== undefined)
}

async function outcomeOf(act: Act): Promise<Undone | undefined> {
  try {
    await act()
    return undefined
  } catch (error) {
    return { act, why: (error as Error).message }
  }
}
