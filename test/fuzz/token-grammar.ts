/** A second judge of tokens, written from RFC 7515, RFC 7518 and RFC 7519 alone; it imports nothing of relay/. */
import { type KeyObject, verify } from 'node:crypto'

type Known = { readonly algorithm: string; readonly key: KeyObject }

export type Trusted = {
  readonly issuer: string
  readonly audience: string
  readonly keys: ReadonlyMap<string, Known>
}

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const sextetOf = new Map([...digits].map((digit, value) => [digit, value]))

/** Reads base64url without padding (RFC 4648 section 5); bits that belong to no octet have to be 0 (section 3.5). */
function octetsOf(text: string): Buffer | undefined {
  const octets: number[] = []
  let [bits, held] = [0, 0]
  for (const c of text) {
    const value = sextetOf.get(c)
    if (value === undefined) return undefined
    held = (held << 6) | value
    bits += 6
    if (bits < 8) continue
    bits -= 8
    octets.push(held >> bits)
    held &= (1 << bits) - 1
  }
  return bits >= 6 || held !== 0 || octets.length === 0 ? undefined : Buffer.from(octets)
}

type Members = ReadonlyMap<string, unknown>

/** Reads an object; of two members of the same name, the last one counts (RFC 7519 section 4). */
function membersOf(octets: Buffer): Members | undefined {
  const text = octets.toString('utf8')
  if (!Buffer.from(text, 'utf8').equals(octets)) return undefined
  try {
    return asMembers(JSON.parse(text))
  } catch {
    return undefined
  }
}

const asMembers = (value: unknown): Members | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? new Map(Object.entries(value)) : undefined

/** The number of octets in each of the two numbers of a signature (RFC 7518 section 3.4). */
const halves: Readonly<Record<string, number>> = { ES256: 32, ES384: 48, ES512: 66 }

const derLength = (length: number): Buffer => Buffer.from(length < 128 ? [length] : [0x81, length])
function derInteger(octets: Buffer): Buffer {
  const first = octets.findIndex((octet) => octet !== 0)
  const short = first < 0 ? Buffer.from([0]) : octets.subarray(first)
  const value = (short[0] ?? 0) > 127 ? Buffer.concat([Buffer.from([0]), short]) : short
  return Buffer.concat([Buffer.from([2]), derLength(value.length), value])
}

function isSigned({ algorithm, key }: Known, text: string, signature: Buffer): boolean {
  const hash = `sha${algorithm.slice(2)}`
  const half = halves[algorithm]
  if (half === undefined) return verify(hash, Buffer.from(text, 'ascii'), key, signature)
  if (signature.length !== 2 * half) return false
  const both = Buffer.concat([derInteger(signature.subarray(0, half)), derInteger(signature.subarray(half))])
  const der = Buffer.concat([Buffer.from([0x30]), derLength(both.length), both])
  return verify(hash, Buffer.from(text, 'ascii'), key, der)
}

const nameLetters = 'abcdefghijklmnopqrstuvwxyz0123456789-.'
const isName = (value: unknown): value is string =>
  typeof value === 'string' &&
  value !== '' &&
  !'-.'.includes(value[0] ?? '') &&
  [...value].every((c) => nameLetters.includes(c))

const isTime = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value < Infinity

/** What a token says if it is good at `now` (milliseconds), else undefined. Clocks may differ by half a minute. */
export function tokenSays(text: string, { issuer, audience, keys }: Trusted, now: number) {
  const parts = text.split('.')
  const [header, claims, signature] = parts.map(octetsOf)
  if (parts.length !== 3 || !header || !claims || !signature) return undefined
  const [head, body] = [membersOf(header), membersOf(claims)]
  if (!head || !body || head.has('crit')) return undefined
  const keyId = head.get('kid')
  const known = typeof keyId === 'string' ? keys.get(keyId) : undefined
  if (known === undefined || head.get('alg') !== known.algorithm) return undefined
  if (!isSigned(known, `${parts[0]}.${parts[1]}`, signature)) return undefined
  const heard = [body.get('aud')].flat()
  const [begins = 0, ends] = [body.get('nbf'), body.get('exp')]
  if (body.get('iss') !== issuer || !heard.includes(audience) || !isTime(begins) || !isTime(ends)) return undefined
  if (now + 30_000 < begins * 1000 || now - 30_000 >= ends * 1000) return undefined
  const kubernetes = asMembers(body.get('kubernetes.io'))
  const namespace = kubernetes?.get('namespace')
  const name = asMembers(kubernetes?.get('serviceaccount'))?.get('name')
  if (!isName(namespace) || !isName(name)) return undefined
  if (body.get('sub') !== ['system', 'serviceaccount', namespace, name].join(':')) return undefined
  return { keyId, serviceAccount: `${namespace}/${name}`, notBefore: begins * 1000, expiresAt: ends * 1000 }
}
