/** Which objects were there and are not any more: an absence is believed when it has lasted for a moment. */

/** An editor that empties a file before it writes it anew must not look like somebody who deletes a fleet. */
export const doubtMs = 300

export class Presence {
  /** By object; undefined while it is there. */
  readonly #missingSince = new Map<string, number | undefined>()

  constructor(present: Iterable<string>) {
    for (const object of present) this.#missingSince.set(object, undefined)
  }

  /** The objects that are missing in `found` for too short a time to be believed gone. */
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
