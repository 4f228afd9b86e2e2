/** The public key of a DKIM selector as its record has it (RFC 6376 section 3.6.1, RFC 8463). */
import { parseTagList, quoted } from './tag-list.ts'

export type KeyType = 'rsa' | 'ed25519'

export type DkimRecord =
  | { readonly is: 'key'; readonly type: KeyType; readonly publicKey: string; readonly testing: boolean }
  /** An empty p=: the key was withdrawn. */
  | { readonly is: 'revoked' }
  | { readonly is: 'invalid'; readonly why: string }

const invalid = (why: string): DkimRecord => ({ is: 'invalid', why })

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const listed = (value: string): readonly string[] => value.split(':').map((item) => item.trim())

type Tags = ReadonlyMap<string, string>

/** What makes a key useless to us, whatever it is. */
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

/** The key that a record shows, whether it is of use to us or not; undefined where no receiver finds one. */
export function publicKeyIn(text: string): string | undefined {
  const list = parseTagList(text)
  return (list.ok && keyOf(list.tags)) || undefined
}

/** What a record has to say for a key to be found. */
export const dkimRecordText = (type: KeyType, publicKey: string): string => `v=DKIM1; k=${type}; p=${publicKey}`
