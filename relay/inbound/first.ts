/** The first of what waits, which is nearly always the only one: `shift` is a call out of V8, and `pop` is none. */

export const takeFirst = <T>(waiting: T[]): T | undefined => (waiting.length < 2 ? waiting.pop() : waiting.shift())
