/** Settles conflicts where several objects claim the same thing: the first claim wins, and the losers learn whose it was. */
import type { Name } from './snapshot.ts'

/** `thing` is what `owner` claims, as one text: the name of a Secret, or a port. */
export type Claim = { readonly owner: Name; readonly thing: string }

/** Settles the claims in their order. The result finds the winner that a claim lost to; undefined where the claim itself won. */
export function settle(claims: readonly Claim[]): (claim: Claim) => Name | undefined {
  const holders = new Map<string, Name>()
  for (const { owner, thing } of claims) if (!holders.has(thing)) holders.set(thing, owner)
  return ({ owner, thing }) => {
    const holder = holders.get(thing)
    return holder === owner ? undefined : holder
  }
}
