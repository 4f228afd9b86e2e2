/** Lists of networks, and the rule that one which narrows has to narrow something. */
import { cidr } from './fields.ts'
import type { CrossFieldRule } from './schema.ts'

export const networkList = { type: 'array', maxItems: 64, default: [], items: cidr } as const

/**
 * Matches a network that holds every address: `…/0`, and `::ffff:0:0/96`, which is all of IPv4 mapped into IPv6 (RFC 4291 section
 * 2.5.5.2).
 */
const everyNetwork = /[/]0$|^[0:]*:[Ff]{4}:[^/]*[/]96$/

/** `path` is that of the list below spec, which `listOf` takes out of a spec. */
export const narrowing = <Spec>(path: string, listOf: (spec: Spec) => readonly string[]): CrossFieldRule<Spec> => ({
  field: `spec.${path}`,
  cel: `self.${path}.all(c, !c.matches('${everyNetwork.source}'))`,
  message: '0.0.0.0/0, ::/0 and ::ffff:0:0/96 narrow nothing; name the networks, or leave the list empty',
  holds: (spec) => !listOf(spec).some((c) => everyNetwork.test(c)),
})
