/** Decides whether every address of a network passes an SPF record (RFC 7208 section 4.6.2). */
import { BlockList } from 'node:net'
import type { Network, Qualifier } from './spf-record.ts'
import type { Match, SpfTree } from './spf-walk.ts'

export const passes = (tree: SpfTree, network: Network): boolean => resultFor(tree, network) === '+'

/** The qualifier of the first mechanism that matches the whole network, or that fails a part of it; undefined: none does. */
function resultFor(tree: SpfTree, network: Network): Qualifier | undefined {
  for (const { qualifier, matches } of tree.branches) {
    if (holds(matches, network) || (qualifier !== '+' && touches(matches, network))) return qualifier
  }
  return tree.redirect === undefined ? undefined : resultFor(tree.redirect, network)
}

function holds(matches: Match, network: Network): boolean {
  switch (matches.is) {
    case 'everything':
      return true
    case 'networks':
      return matches.networks.some((one) => contains(one, network))
    case 'include':
      return passes(matches.tree, network)
    case 'unforeseeable':
      return false
  }
}

const touches = (matches: Match, network: Network): boolean =>
  matches.is === 'networks' && matches.networks.some((one) => contains(network, one))

function contains(outer: Network, inner: Network): boolean {
  if (outer.family !== inner.family || outer.prefix > inner.prefix) return false
  const list = new BlockList()
  list.addSubnet(outer.address, outer.prefix, outer.family)
  return list.check(inner.address, inner.family)
}
