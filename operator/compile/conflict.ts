/** Two objects claim one thing: the oldest keeps it, and the loser is told who that is. */
import type { Name } from './snapshot.ts'

/** What `owner` claims, as one text: a Secret's name, a port. */
export type Claim = { readonly owner: Name; readonly thing: string }

/** Who has what, after settling the claims in their order: the first one has it. */
export function settle(claims: readonly Claim[]): (claim: Claim) => Name | undefined {
  const holders = new Map<string, Name>()
  for (const { owner, thing } of claims) if (!holders.has(thing)) holders.set(thing, owner)
  return ({ owner, thing }) => {
    const holder = holders.get(thing)
    return holder === owner ? undefined : holder
  }
}
