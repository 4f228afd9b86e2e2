/**
 * The text of a configuration as files: one, or parts and an index that names them, where a place (a Secret) holds only so much.
 */
import { createHash } from 'node:crypto'

/** The file of a configuration in one piece. It wins over an index beside it. */
export const onePiece = 'relay.json'
/** The index: a line with the digest of the whole text, then the names of the parts in their order, a line each. */
export const indexFile = 'relay.json.index'
/** A part is named by its content, so that it stays the same file whatever changes elsewhere (decision 0043). */
const partName = (part: Uint8Array): string => `${onePiece}.part.${digestOf(part).slice(0, 16)}`

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export type Bounds = {
  /** The most octets of each file. */
  readonly maxBytes: number
  /** At most so many parts, if the text fits into them; absent: any number. */
  readonly mostParts?: number
}

/** The files by name, in the order in which to write them: the index comes last, and makes the new text the one that counts. */
export function splitText(text: string, { maxBytes, mostParts = Number.POSITIVE_INFINITY }: Bounds) {
  const bytes = Buffer.from(text)
  if (bytes.length <= maxBytes) return new Map([[onePiece, bytes]])
  const named = partsOf(bytes, maxBytes, mostParts).map((part) => [partName(part), part] as const)
  const index = Buffer.from([digestOf(bytes), ...named.map(([name]) => name)].join('\n'))
  return new Map<string, Buffer>([...named, [indexFile, index]])
}

/**
 * The text that is in a folder, or in a few Secrets. These are written one by one, so for a moment they may be of two
 * configurations.
 * @throws Error when there is no whole one.
 */
export function joinText(names: readonly string[], read: (name: string) => Uint8Array): string {
  if (names.includes(onePiece)) return textOf(read(onePiece))
  if (!names.includes(indexFile)) throw new Error(`there is no ${onePiece}`)
  const [digest, ...parts] = Buffer.from(read(indexFile)).toString().split('\n')
  if (parts.every((name) => names.includes(name))) {
    const bytes = Buffer.concat(parts.map(read))
    if (digestOf(bytes) === digest) return textOf(bytes)
  }
  throw new Error(`the parts of ${onePiece} are not all of one configuration yet`)
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @throws Error where it is no UTF-8: a damaged octet is not to become U+FFFD in some name. */
function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new Error(`${onePiece} is no UTF-8`)
  }
}

/**
 * The parts of a text, cut before lines that are chosen by their own content (content-defined chunking): a change to one
 * credential then changes its part only, and moves no other cut. Where no such line comes in time, the cut is at `maxBytes`.
 */
function partsOf(bytes: Buffer, maxBytes: number, mostParts: number): readonly Buffer[] {
  const lines = namedLines(bytes)
  const usualBytes = bytes.length / Math.max(1, lines.length)
  const fewest = Math.ceil(bytes.length / maxBytes)
  for (let oneIn = powerOfTwo(maxBytes / 2 / usualBytes); ; oneIn *= 2) {
    const parts = cut(bytes, maxBytes, chosen(lines, oneIn))
    if (parts.length <= Math.max(mostParts, fewest) || oneIn > lines.length) return parts
  }
}

type Line = { readonly at: number; readonly hash: number }

const chosen = (lines: readonly Line[], oneIn: number): readonly number[] =>
  lines.filter(({ hash }) => hash % oneIn === 0).map(({ at }) => at)

const powerOfTwo = (ratio: number): number => 2 ** Math.max(0, Math.round(Math.log2(ratio)))

function cut(bytes: Buffer, maxBytes: number, cuts: readonly number[]): readonly Buffer[] {
  const parts: Buffer[] = []
  let begin = 0
  const upTo = (end: number): void => {
    if (end > begin) parts.push(bytes.subarray(begin, end))
    begin = end
  }
  for (const end of [...cuts, bytes.length]) {
    while (end - begin > maxBytes) upTo(begin + maxBytes)
    upTo(end)
  }
  return parts
}

/** Cuts are only before lines with a name: hardly two of these are equal. */
const mark = Buffer.from('"name": "')
const lineEnd = 10

function namedLines(bytes: Buffer): readonly Line[] {
  const lines: Line[] = []
  for (let at = bytes.indexOf(mark); at !== -1; at = bytes.indexOf(mark, at + mark.length)) {
    lines.push({ at: bytes.lastIndexOf(lineEnd, at) + 1, hash: hashOfLine(bytes, at) })
  }
  return lines
}

/** FNV-1a, which is enough where hashes only have to spread. */
function hashOfLine(bytes: Buffer, from: number): number {
  let hash = 0x811c9dc5
  for (let i = from; i < bytes.length && bytes[i] !== lineEnd; i++) {
    hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193) >>> 0
  }
  return hash
}
