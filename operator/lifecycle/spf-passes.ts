/** Decides whether every address of a network passes an SPF record (RFC 7208 section 4.6.2). */
import { BlockList } from 'node:net'
import type { Network, Qualifier } from './spf-record.ts'
import { limits, type Match, type SpfTree } from './spf-walk.ts'

export const passes = (tree: SpfTree, network: Network): boolean => resultFor(tree, network, { voids: 0 }) === '+'

/** Whether receivers give the record up before they find the network: too many look-ups before it find nothing of its family. */
export const isBehindVoids = (tree: SpfTree, network: Network): boolean =>
  resultFor(tree, network, { voids: 0 }) === 'givenUp'

/** `met`: the look-ups that have found nothing, of all records on the way (section 4.6.4). */
type Met = { voids: number }

/** The qualifier of the first mechanism that matches the whole network, or that fails a part of it; undefined: none does. */
function resultFor(tree: SpfTree, network: Network, met: Met): Qualifier | 'givenUp' | undefined {
  for (const { qualifier, matches } of tree.branches) {
    if (holds(matches, network, met) || (qualifier !== '+' && touches(matches, network))) return qualifier
    if (matches.is === 'networks') met.voids += matches.voids[network.family]
    if (met.voids > limits.voids) return 'givenUp'
  }
  return tree.redirect === undefined ? undefined : resultFor(tree.redirect, network, met)
}

function holds(matches: Match, network: Network, met: Met): boolean {
  switch (matches.is) {
    case 'everything':
      return true
    case 'networks':
      return matches.networks.some((one) => contains(one, network))
    case 'include':
      return resultFor(matches.tree, network, met) === '+'
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
