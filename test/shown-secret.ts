/** Whether a text shows a secret, in any form in which programs write octets: as it is, in base64, in hex, as numbers, or one in another. */
import { createPrivateKey } from 'node:crypto'

/** So many octets of a secret in a row stand nowhere by chance: a text that was cut behind them shows it, too. */
const partOctets = 16
/** A Secret that a webhook quotes has JSON with a PEM in base64, and in that a key in base64. */
const deepest = 3

/** Those of these passwords, and of these private keys in PEM, of which something stands in the text. */
export function shownIn(text: string, secrets: readonly string[]): readonly string[] {
  const layers = [...layersOf(text, deepest)]
  return secrets.filter((secret) =>
    partsOf(secret).some((part) => layers.some((layer) => layer.includes(part.subarray(0, partOctets)))),
  )
}

/** Of a key in PEM only what is not in its public key: that one, and what tells which sort of key it is, may be shown. */
function partsOf(secret: string): readonly Buffer[] {
  if (secret === '') throw new Error('a secret that is empty can not be shown')
  if (!secret.includes('PRIVATE KEY')) return [Buffer.from(secret)]
  const { d, p, q, dp, dq, qi } = createPrivateKey(secret).export({ format: 'jwk' })
  return [d, p, q, dp, dq, qi].flatMap((part) => (part === undefined ? [] : [Buffer.from(part, 'base64url')]))
}

/** The octets of the text, and those that it has in some encoding. */
function* layersOf(text: string, depth: number): Generator<Buffer> {
  yield Buffer.from(text, depth === deepest ? 'utf8' : 'latin1')
  if (depth === 0) return
  for (const octets of decoded(text)) yield* layersOf(octets.toString('latin1'), depth - 1)
}

function* decoded(text: string): Generator<Buffer> {
  // An encoding goes on behind the end of a line, which JSON writes as \n, and JSON within JSON as \\n.
  const line = text.replaceAll(/(?:\\+[rn]|[\r\n])[ \t]*/g, '')
  // What stands before it may look as if it belonged to it, so it may begin at any of its letters.
  for (const [run] of line.matchAll(/[\w+/-]{16,}/g))
    for (let i = 0; i < 4; i += 1) yield Buffer.from(run.slice(i), 'base64')
  for (const [run] of line.matchAll(/[\da-f]{16,}/gi))
    for (let i = 0; i < 2; i += 1) yield Buffer.from(run.slice(i), 'hex')
  for (const [run] of line.matchAll(/\d{1,3}(?:, ?\d{1,3}){7,}/g)) yield Buffer.from(run.split(',').map(Number))
}
