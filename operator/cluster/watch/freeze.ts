/** Freezes objects that many share, so that none can change them, and keeps equal texts in memory only once. */

type Fields = Record<string, unknown>

/** Freezes plain JSON to its leaves, and returns it; texts that many objects have are in memory once. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  const fields = value as Fields
  for (const key of Object.keys(fields)) {
    const inner = fields[key]
    if (typeof inner === 'string') fields[key] = shared(inner)
    else deepFreeze(inner)
  }
  return Object.freeze(value)
}

/** A parser makes a new text each time: ten thousand statuses would hold as many copies of the same words and times. */
const texts = new Map<string, string>()
const mostTexts = 20_000
/** Shorter texts take hardly any memory, and longer ones are rarely repeated. */
const isWorthwhile = ({ length }: string): boolean => length > 10 && length < 200

function shared(text: string): string {
  if (!isWorthwhile(text)) return text
  const known = texts.get(text)
  if (known !== undefined) return known
  if (texts.size >= mostTexts) texts.clear()
  texts.set(text, text)
  return text
}
