/** Parses and prints the DNS record of a DKIM selector (RFC 6376 section 3.6.1, RFC 8463). */
import { parseTagList, quoted } from './tag-list.ts'

export type KeyType = 'rsa' | 'ed25519'

export type DkimRecord =
  | { readonly is: 'key'; readonly type: KeyType; readonly publicKey: string; readonly testing: boolean }
  /** The tag p= is empty: the key was revoked (RFC 6376 section 3.6.1). */
  | { readonly is: 'revoked' }
  | { readonly is: 'invalid'; readonly why: string }

const invalid = (why: string): DkimRecord => ({ is: 'invalid', why })

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const listed = (value: string): readonly string[] => value.split(':').map((item) => item.trim())

type Tags = ReadonlyMap<string, string>

/** Checks that hold for every key: each says what makes the record useless for our signatures, or false. */
const faults: readonly ((tags: Tags, first: string | undefined) => string | false)[] = [
  (tags, first) =>
    tags.has('v') && (tags.get('v') !== 'DKIM1' || first !== 'v') && 'v= has to be DKIM1, and the first tag',
  (tags) => !isKeyType(typeOf(tags)) && `k=${quoted(typeOf(tags))} is no known kind of key`,
  (tags) => !listed(tags.get('h') ?? 'sha256').includes('sha256') && 'h= leaves out sha256, which we sign with',
  (tags) => !listed(tags.get('s') ?? '*').some((s) => s === '*' || s === 'email') && 's= leaves out email',
  (tags) => !tags.has('p') && 'p= is missing',
  (tags) => !base64.test(keyOf(tags)) && 'p= is no base64',
]

const typeOf = (tags: Tags): string => tags.get('k') ?? 'rsa'
const isKeyType = (text: string): text is KeyType => text === 'rsa' || text === 'ed25519'
const keyOf = (tags: Tags): string => tags.get('p')?.replaceAll(/[ \t\r\n]/g, '') ?? ''

export function parseDkimRecord(text: string): DkimRecord {
  const list = parseTagList(text)
  if (!list.ok) return invalid(list.why)
  const { tags, first } = list
  const fault = faults.map((check) => check(tags, first)).find((why) => why !== false)
  const [type, publicKey] = [typeOf(tags), keyOf(tags)]
  if (fault !== undefined || !isKeyType(type)) return invalid(fault || 'k= is missing')
  if (publicKey === '') return { is: 'revoked' }
  return { is: 'key', type, publicKey, testing: listed(tags.get('t') ?? '').includes('y') }
}

/** The public key in a record, whether our signatures could use it or not; undefined where a receiver would find none. */
export function publicKeyIn(text: string): string | undefined {
  const list = parseTagList(text)
  return (list.ok && keyOf(list.tags)) || undefined
}

/** The text of the record for a key. */
export const dkimRecordText = (type: KeyType, publicKey: string): string => `v=DKIM1; k=${type}; p=${publicKey}`
