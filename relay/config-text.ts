/** The text of a configuration as files: one, or, where a place holds only so much, parts that are whole together or not at all. */
import { createHash } from 'node:crypto'

/** The file of a configuration in one piece; with parts beside it, it wins. */
const onePiece = 'relay.json'
/** Each part names all the others: how many there are, and the digest of the whole. */
const partName = /^relay\.json\.[0-9]+-of-([0-9]+)\.([0-9a-f]{16})$/

const digestOf = (text: Buffer): string => createHash('sha256').update(text).digest('hex').slice(0, 16)

/** By name, each at most `maxBytes` long. */
export function splitText(text: string, maxBytes: number): ReadonlyMap<string, Buffer> {
  const bytes = Buffer.from(text)
  if (bytes.length <= maxBytes) return new Map([[onePiece, bytes]])
  const count = Math.ceil(bytes.length / maxBytes)
  const digest = digestOf(bytes)
  return new Map(
    Array.from({ length: count }, (_, i) => [
      `${onePiece}.${i}-of-${count}.${digest}`,
      bytes.subarray(i * maxBytes, (i + 1) * maxBytes),
    ]),
  )
}

/**
 * The text that is in a folder or in a few Secrets: written apart, they may be of two configurations for a moment.
 * @throws Error when there is no whole one
 */
export function joinText(names: readonly string[], read: (name: string) => Uint8Array): string {
  if (names.includes(onePiece)) return Buffer.from(read(onePiece)).toString()
  const parts = names.map((name) => ({ match: partName.exec(name) })).flatMap(({ match }) => (match ? [match] : []))
  if (parts.length === 0) throw new Error(`there is no ${onePiece}`)
  for (const [, count, digest] of parts) {
    const expected = Array.from({ length: Number(count) }, (_, i) => `${onePiece}.${i}-of-${count}.${digest}`)
    if (!expected.every((name) => names.includes(name))) continue
    const bytes = Buffer.concat(expected.map(read))
    if (digestOf(bytes) === digest) return bytes.toString()
  }
  throw new Error(`the parts of ${onePiece} are not all of one configuration yet`)
}
