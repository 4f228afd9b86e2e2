/** What to do so that the observed becomes the desired: one diff by key and hash, for objects and for child programs. */

export type Plan = {
  readonly create: readonly string[]
  readonly change: readonly string[]
  readonly remove: readonly string[]
}

/** Both maps are from key to hash. Take what is held out of `observed` first: it is neither changed nor removed. */
export function plan(desired: ReadonlyMap<string, string>, observed: ReadonlyMap<string, string>): Plan {
  const keys = [...desired.keys()]
  return {
    create: keys.filter((k) => !observed.has(k)),
    change: keys.filter((k) => observed.has(k) && observed.get(k) !== desired.get(k)),
    remove: [...observed.keys()].filter((k) => !desired.has(k)),
  }
}
