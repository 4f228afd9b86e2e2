/** The rule that a reply names, compared with those that it may name. */
import { expect } from 'vitest'

/** The code and the id of the rule; undefined for a reply that refuses nothing. */
function ruleIn(reply: string): string | undefined {
  const [, code, rule] = /^([45]\d\d) \d\.\d+\.\d+ .*\(([^\s()]+)\)$/.exec(reply) ?? []
  return code === undefined ? undefined : `${code} ${rule}`
}

/** `must`: the rules that are broken, each of which refuses. `may`: those that may refuse, too. Undefined: it is the `good` reply. */
export function heard(
  reply: string,
  good: string,
  must: readonly string[],
  may: readonly string[],
): string | undefined {
  const refused = ruleIn(reply)
  if (refused === undefined && must.length === 0) expect(reply).toMatch(new RegExp(`^${good}`))
  else expect([...must, ...may], reply).toContain(refused ?? reply)
  return refused
}
