/** Is this the credential it says it is, and may it be used now and from here? */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { CredentialConfig, RelayConfig } from '../config.ts'
import { type Refusal, type RuleId, refusal } from '../mail/rule.ts'
import { contains } from './networks.ts'

/** Why a login failed; a closed list, since it is a label of a metric. */
export type AuthFailure =
  | 'unknown'
  | 'password'
  | 'noKey'
  | 'suspended'
  | 'expired'
  | 'network'
  | 'lockedOut'
  | 'plaintext'

export type LoginAttempt = {
  readonly username: string
  /** Of `verifierOf(password)`: the password itself does not come here. */
  readonly digest: Buffer
  /** The peer's IP address. */
  readonly client: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

export type Login =
  | { readonly kind: 'accepted'; readonly credential: CredentialConfig; readonly key: string }
  | {
      readonly kind: 'refused'
      readonly reason: AuthFailure
      readonly refusal: Refusal
      /** Whose name was given; absent for a name of nobody, which may be a password that was typed into the wrong field. */
      readonly credential?: string
    }

type Key = { readonly id: string; readonly digest: Buffer; readonly notAfter: number }
type Entry = { readonly credential: CredentialConfig; readonly keys: readonly Key[] }

export type CredentialIndex = { readonly byUsername: ReadonlyMap<string, Entry>; readonly decoys: readonly Key[] }

/** Equal lengths for the comparison, whatever stands in the configuration. */
export const digestOf = (verifier: string): Buffer => createHash('sha256').update(verifier).digest()
// No verifier has this digest.
const decoy: Key = { id: '', digest: Buffer.alloc(32), notAfter: 0 }

/** Made once for each configuration. Every entry is filled up to one number of keys: all logins take the same time. */
export function indexCredentials({ credentials }: RelayConfig): CredentialIndex {
  const width = Math.max(1, ...credentials.map((c) => c.keys.length))
  const decoys = Array.from({ length: width }, () => decoy)
  const keysOf = (c: CredentialConfig): readonly Key[] => [...c.keys.map(keyOf), ...decoys].slice(0, width)
  return { byUsername: new Map(credentials.map((c) => [c.username, { credential: c, keys: keysOf(c) }])), decoys }
}

const keyOf = ({ id, verifier, notAfter }: CredentialConfig['keys'][number]): Key => ({
  id,
  digest: digestOf(verifier),
  notAfter: notAfter ?? Number.POSITIVE_INFINITY,
})

type Bar = readonly [reason: AuthFailure, rule: RuleId, stands: (c: CredentialConfig, a: LoginAttempt) => boolean]

/** What keeps out who knows the password. Nobody else is told of it. */
export const bars: readonly Bar[] = [
  ['suspended', 'credential.suspended', (c) => c.suspended],
  ['expired', 'credential.expiresAt', (c, { now }) => c.expiresAt !== undefined && now >= c.expiresAt],
  ['network', 'credential.networks', (c, { client }) => c.networks.length > 0 && !contains(c.networks, client)],
]

/** The credential and key that this attempt proves, or why it may not be used. */
export function judgeLogin(index: CredentialIndex, attempt: LoginAttempt): Login {
  const entry = index.byUsername.get(attempt.username)
  const key = matching(entry?.keys ?? index.decoys, attempt)
  if (!entry) return refuse('unknown', 'always.password')
  // The operator has yet to make the key: the client is not wrong, it is early.
  if (entry.credential.keys.length === 0) return refuse('noKey', 'always.keys', entry.credential.name)
  if (!key) return refuse('password', 'always.password', entry.credential.name)
  const bar = bars.find(([, , stands]) => stands(entry.credential, attempt))
  return bar
    ? refuse(bar[0], bar[1], entry.credential.name)
    : { kind: 'accepted', credential: entry.credential, key: key.id }
}

// Looks at every key, so that the time says nothing about which one it was.
const matching = (keys: readonly Key[], { digest, now }: LoginAttempt): Key | undefined =>
  keys.filter((key) => timingSafeEqual(key.digest, digest)).find(({ notAfter }) => now < notAfter)

const refuse = (reason: AuthFailure, rule: RuleId, credential?: string): Login => ({
  kind: 'refused',
  reason,
  refusal: refusal(rule),
  ...(credential !== undefined && { credential }),
})
