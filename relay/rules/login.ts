/** Is this the credential it says it is, and may it be used now and from here? */
import { createHash, timingSafeEqual } from 'node:crypto'
import { type CredentialConfig, type RelayConfig, verifierOf } from '../config.ts'
import { type Refusal, type RuleId, refusal } from '../mail/rule.ts'
import { contains } from './networks.ts'
import { readToken, type Token, type TokenIssuer, type TokenTrouble, tokenIssuer, tokenNow } from './token.ts'

/** Why a login failed; a closed list, since it is a label of a metric. */
export type AuthFailure =
  | 'unknown'
  | 'password'
  | 'noKey'
  | 'token'
  | 'tokenKey'
  | 'tokenExpired'
  | 'serviceAccount'
  | 'suspended'
  | 'expired'
  | 'network'
  | 'lockedOut'
  | 'plaintext'

/** What a client showed beside its username: neither the password nor the token itself. */
export type Proof =
  /** The digest is of `verifierOf(password)`. */
  { readonly by: 'password'; readonly digest: Buffer } | { readonly by: 'token'; readonly token: Token | TokenTrouble }

export type LoginAttempt = {
  readonly username: string
  readonly proof: Proof
  /** The peer's IP address. */
  readonly client: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

export type Login =
  | {
      readonly kind: 'accepted'
      readonly credential: CredentialConfig
      /** The id of the key, or the account whose token it was. */
      readonly key: string
    }
  | {
      readonly kind: 'refused'
      readonly reason: AuthFailure
      readonly refusal: Refusal
      /** Whose name was given; absent for a name of nobody, which may be a password that was typed into the wrong field. */
      readonly credential?: string
    }

type Key = { readonly id: string; readonly digest: Buffer; readonly notAfter: number }
type Entry = { readonly credential: CredentialConfig; readonly keys: readonly Key[] }

export type CredentialIndex = {
  readonly byUsername: ReadonlyMap<string, Entry>
  readonly decoys: readonly Key[]
  /** Absent: nobody's tokens are taken. */
  readonly issuer?: TokenIssuer
}

/** Equal lengths for the comparison, whatever stands in the configuration. */
export const digestOf = (verifier: string): Buffer => createHash('sha256').update(verifier).digest()
// No verifier has this digest.
const decoy: Key = { id: '', digest: Buffer.alloc(32), notAfter: 0 }

/** Made once for each configuration. Every entry is filled up to one number of keys: all logins take the same time. */
export function indexCredentials({
  credentials,
  tokens,
}: Pick<RelayConfig, 'credentials' | 'tokens'>): CredentialIndex {
  const width = Math.max(1, ...credentials.map((c) => c.keys.length))
  const decoys = Array.from({ length: width }, () => decoy)
  const keysOf = (c: CredentialConfig): readonly Key[] => [...c.keys.map(keyOf), ...decoys].slice(0, width)
  return {
    byUsername: new Map(credentials.map((c) => [c.username, { credential: c, keys: keysOf(c) }])),
    decoys,
    ...(tokens !== undefined && { issuer: tokenIssuer(tokens) }),
  }
}

/** What a text proves that was sent as a password, or as a bearer token: that depends on the credential that was named. */
export function proofOf(
  { byUsername, issuer }: CredentialIndex,
  { username, secret, bearer }: { readonly username: string; readonly secret: string; readonly bearer: boolean },
  now: number,
): Proof {
  const takesTokens = byUsername.get(username)?.credential.serviceAccounts !== undefined
  if (takesTokens) return { by: 'token', token: issuer === undefined ? 'unknownKey' : readToken(issuer, secret, now) }
  // A password is no token, even where it is right.
  return bearer ? { by: 'token', token: 'forged' } : { by: 'password', digest: digestOf(verifierOf(secret)) }
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
  const { username, proof } = attempt
  const entry = index.byUsername.get(username)
  const proven =
    proof.by === 'password' ? byPassword(index, entry, proof, attempt) : byToken(index, entry, proof, attempt)
  if (!('key' in proven)) return proven
  const { credential, key } = proven
  const bar = bars.find(([, , stands]) => stands(credential, attempt))
  return bar ? refuse(bar[0], bar[1], credential.name) : { kind: 'accepted', credential, key }
}

type Proven = { readonly credential: CredentialConfig; readonly key: string } | Extract<Login, { kind: 'refused' }>

function byPassword(
  { decoys }: CredentialIndex,
  entry: Entry | undefined,
  { digest }: Extract<Proof, { by: 'password' }>,
  { now }: LoginAttempt,
): Proven {
  const key = matching(entry?.keys ?? decoys, digest, now)
  if (!entry) return refuse('unknown', 'always.password')
  const { credential } = entry
  if (credential.serviceAccounts !== undefined) return refuse('token', 'always.token', credential.name)
  // The operator has yet to make the key: the client is not wrong, it is early.
  if (credential.keys.length === 0) return refuse('noKey', 'always.keys', credential.name)
  return key ? { credential, key: key.id } : refuse('password', 'always.password', credential.name)
}

const troubles: Readonly<Record<TokenTrouble, readonly [AuthFailure, RuleId, detail?: string]>> = {
  forged: ['token', 'always.token'],
  unknownKey: ['tokenKey', 'always.tokenKeys'],
  expired: ['tokenExpired', 'always.token', 'the token has expired'],
}

function byToken(
  { issuer }: CredentialIndex,
  entry: Entry | undefined,
  { token }: Extract<Proof, { by: 'token' }>,
  { now }: LoginAttempt,
): Proven {
  if (!entry) return refuse('unknown', 'always.password')
  const { name, serviceAccounts } = entry.credential
  if (serviceAccounts === undefined) return refuse('password', 'always.password', name)
  // An issuer or a key that was taken back since the session began takes its tokens along.
  const trouble = typeof token === 'string' ? token : issuer === undefined ? 'unknownKey' : tokenNow(issuer, token, now)
  if (trouble !== undefined) {
    const [reason, rule, detail] = troubles[trouble]
    return refuse(reason, rule, name, detail)
  }
  const { serviceAccount } = token as Token
  if (!serviceAccounts.includes(serviceAccount)) return refuse('serviceAccount', 'credential.serviceAccounts', name)
  return { credential: entry.credential, key: `ServiceAccount ${serviceAccount}` }
}

// Looks at every key, so that the time says nothing about which one it was.
const matching = (keys: readonly Key[], digest: Buffer, now: number): Key | undefined =>
  keys.filter((key) => timingSafeEqual(key.digest, digest)).find(({ notAfter }) => now < notAfter)

const refuse = (
  reason: AuthFailure,
  rule: RuleId,
  credential?: string,
  detail?: string,
): Extract<Login, { kind: 'refused' }> => ({
  kind: 'refused',
  reason,
  refusal: refusal(rule, detail),
  ...(credential !== undefined && { credential }),
})
