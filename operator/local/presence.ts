/** Remembers which objects existed, so that an object counts as deleted only after it has been missing for a moment. */

/** Some editors empty or remove a file before they write it again: that must not look as if somebody deleted a fleet. */
export const doubtMs = 300

export class Presence {
  /** Since when each object is missing, in milliseconds; undefined while it exists. */
  readonly #missingSince = new Map<string, number | undefined>()

  constructor(present: Iterable<string>) {
    for (const object of present) this.#missingSince.set(object, undefined)
  }

  /** The objects that are missing in `found`, but for too short a time to count as deleted. `now` in milliseconds. */
  missing(found: readonly string[], now: number): readonly string[] {
    const here = new Set(found)
    for (const object of here) this.#missingSince.set(object, undefined)
    const doubted: string[] = []
    for (const [object, since = now] of this.#missingSince) {
      if (here.has(object)) continue
      if (now - since < doubtMs) {
        this.#missingSince.set(object, since)
        doubted.push(object)
      } else this.#missingSince.delete(object)
    }
    return doubted
  }
}
