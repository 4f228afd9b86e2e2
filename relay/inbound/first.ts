/** Takes the first element out, which is nearly always the only one: `pop` is inlined by V8 where `shift` is a slow call. */

export const takeFirst = <T>(waiting: T[]): T | undefined => (waiting.length < 2 ? waiting.pop() : waiting.shift())
