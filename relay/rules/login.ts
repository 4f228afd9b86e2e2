/** A login: does what the client shows prove its credential, and may that be used now and from here? */
import { hash, timingSafeEqual } from 'node:crypto'
import type { CredentialConfig, RelayConfig } from '../config.ts'
import { type Refusal, type RuleId, refusal } from '../mail/rule.ts'
import { type Anchors, type CertificateTrouble, type ClientCertificate, certificateNow } from './certificate.ts'
import { contains } from './networks.ts'
import {
  isTokenText,
  readToken,
  type Token,
  type TokenIssuer,
  type TokenTrouble,
  tokenIssuer,
  tokenNow,
  tokenSpan,
} from './token.ts'

/** Why a login failed; a closed list, since it is a label of a metric. */
export type AuthFailure =
  | 'unknown'
  | 'password'
  | 'noKey'
  | 'token'
  | 'tokenKey'
  | 'tokenExpired'
  | 'serviceAccount'
  | 'certificate'
  | 'certificateExpired'
  | 'certificateName'
  | 'certificateAmbiguous'
  | 'suspended'
  | 'expired'
  | 'network'
  | 'lockedOut'
  | 'plaintext'

/** A text that was sent as a password or as a bearer token, as both are read; which of the two counts, the credential decides. */
type Secret = {
  readonly by: 'secret'
  /**
   * SHA-256 of the text as a password; absent: it came as a bearer token, and is no password even where it would be the right
   * one.
   */
  readonly digest?: Uint8Array
  readonly token: Token | TokenTrouble
}

/** What is kept of the proof that came with a username: neither the password nor the token itself. */
export type Proof =
  | Secret
  | { readonly by: 'certificate'; readonly certificate: ClientCertificate | CertificateTrouble }

export type LoginAttempt = {
  /** Empty where the client leaves it to its certificate to say whose it is. */
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
      /** The id of the key, the service account whose token it was, or the name in the certificate. */
      readonly key: string
      /**
       * The time (milliseconds since the epoch, `until` not included) in which key, token or certificate and the credential
       * count.
       */
      readonly from: number
      readonly until: number
    }
  | {
      readonly kind: 'refused'
      readonly reason: AuthFailure
      readonly refusal: Refusal
      /**
       * The credential whose username was given. Absent for a username of nobody: it may be a password in the wrong field, so it
       * is not logged.
       */
      readonly credential?: string
    }

type Key = { readonly id: string; readonly digest: Uint8Array; readonly notAfter: number }
type Entry = { readonly credential: CredentialConfig; readonly keys: readonly Key[] }

export type CredentialIndex = {
  readonly byUsername: ReadonlyMap<string, Entry>
  /** Credentials by the authority's file and a name in its certificates (`certificateKey`). */
  readonly byCertificate: ReadonlyMap<string, readonly CredentialConfig[]>
  readonly anchors: Anchors
  readonly decoys: readonly Key[]
  /** Absent: no tokens are accepted, or the keys of their issuer are not known yet. */
  readonly issuer?: TokenIssuer
  /** A credential asks for tokens, whether or not the keys of their issuer are known. */
  readonly asksForTokens: boolean
}

/**
 * The digest in a verifier (`verifierOf`): 32 octets, all zero where the verifier is none, since timingSafeEqual needs equal
 * lengths. A small Uint8Array of its own lies in V8's heap; the Buffer that `hash` returns would be memory outside of it, which
 * costs more than the hash itself, and a part of Node's slab would keep all of the slab.
 */
export const digestOf = (verifier: string): Uint8Array =>
  /^sha256:[0-9a-f]{64}$/.test(verifier) ? new Uint8Array(Buffer.from(verifier.slice(7), 'hex')) : nobodys
const digestOfPassword = (password: string): Uint8Array =>
  new Uint8Array(Buffer.from(hash('sha256', password, 'binary'), 'binary'))
// No password hashes to this.
const nobodys = new Uint8Array(32)
const decoy: Key = { id: '', digest: nobodys, notAfter: 0 }

/**
 * Made once for each configuration. Every entry is filled up with decoys to the same number of keys, so that all logins take as
 * long.
 */
export function indexCredentials(
  { credentials, tokens }: Pick<RelayConfig, 'credentials' | 'tokens'>,
  anchors: Anchors = new Map(),
): CredentialIndex {
  const width = Math.max(1, ...credentials.map((c) => c.keys.length))
  const decoys = Array.from({ length: width }, () => decoy)
  const keysOf = (c: CredentialConfig): readonly Key[] => [...c.keys.map(keyOf), ...decoys].slice(0, width)
  return {
    byUsername: new Map(credentials.map((c) => [c.username, { credential: c, keys: keysOf(c) }])),
    byCertificate: byCertificate(credentials),
    anchors,
    decoys,
    asksForTokens: credentials.some((c) => c.serviceAccounts !== undefined),
    ...(tokens !== undefined && { issuer: tokenIssuer(tokens) }),
  }
}

const certificateKey = (caFile: string, name: string): string => `${caFile}\0${name}`

function byCertificate(credentials: readonly CredentialConfig[]): CredentialIndex['byCertificate'] {
  const index = new Map<string, CredentialConfig[]>()
  for (const credential of credentials) {
    for (const name of new Set(credential.certificate?.names)) {
      const key = certificateKey(credential.certificate?.caFile ?? '', name)
      index.set(key, [...(index.get(key) ?? []), credential])
    }
  }
  return index
}

/** The credentials that name this certificate, with the name by which they do. */
export const namedBy = (
  { byCertificate: index }: Pick<CredentialIndex, 'byCertificate'>,
  { authority, names }: Pick<ClientCertificate, 'authority' | 'names'>,
): ReadonlyMap<CredentialConfig, string> =>
  new Map(names.flatMap((name) => (index.get(certificateKey(authority, name)) ?? []).map((c) => [c, name] as const)))

/** Reads a secret. The same work is done for every username, known or not, so that the time it takes tells nothing. */
export const proofOf = (
  index: Pick<CredentialIndex, 'issuer' | 'asksForTokens'>,
  { secret, bearer }: { readonly secret: string; readonly bearer: boolean },
  now: number,
): Proof => {
  const token = tokenIn(index, secret, now)
  return bearer ? { by: 'secret', token } : { by: 'secret', digest: digestOfPassword(secret), token }
}

function tokenIn(
  { issuer, asksForTokens }: Pick<CredentialIndex, 'issuer' | 'asksForTokens'>,
  text: string,
  now: number,
): Token | TokenTrouble {
  if (issuer !== undefined) return readToken(issuer, text, now)
  return asksForTokens && isTokenText(text) ? 'unknownKey' : 'forged'
}

const keyOf = ({ id, verifier, notAfter }: CredentialConfig['keys'][number]): Key => ({
  id,
  digest: digestOf(verifier),
  notAfter: notAfter ?? Number.POSITIVE_INFINITY,
})

type Bar = readonly [reason: AuthFailure, rule: RuleId, stands: (c: CredentialConfig, a: LoginAttempt) => boolean]

/** What keeps a credential out although its login is proven. A client that has proven nothing is not told of these. */
const bars: readonly Bar[] = [
  ['suspended', 'credential.suspended', (c) => c.suspended],
  ['expired', 'credential.expiresAt', (c, { now }) => c.expiresAt !== undefined && now >= c.expiresAt],
  ['network', 'credential.networks', (c, { client }) => c.networks.length > 0 && !contains(c.networks, client)],
]

/** The credential and key that this attempt proves, or why it may not be used. */
export function judgeLogin(index: CredentialIndex, attempt: LoginAttempt): Login {
  const proven = prove(index, attempt)
  if (!('key' in proven)) return proven
  const { credential, key } = proven
  const bar = bars.find(([, , stands]) => stands(credential, attempt))
  if (bar) return refuse(bar[0], bar[1], credential.name)
  const until = Math.min(proven.until, credential.expiresAt ?? proven.until)
  return { kind: 'accepted', credential, key, from: proven.from, until }
}

function prove(index: CredentialIndex, attempt: LoginAttempt): Proven {
  const { username, proof } = attempt
  const entry = index.byUsername.get(username)
  return proof.by === 'secret' ? bySecret(index, entry, proof, attempt) : byShown(index, proof.certificate, attempt)
}

type Proven = Omit<Extract<Login, { kind: 'accepted' }>, 'kind'> | Extract<Login, { kind: 'refused' }>

function bySecret(index: CredentialIndex, entry: Entry | undefined, secret: Secret, attempt: LoginAttempt): Proven {
  const { digest, token } = secret
  const matches = digest === undefined ? [] : matching(entry?.keys ?? index.decoys, digest)
  const key = matches.find(({ notAfter }) => attempt.now < notAfter)
  if (!entry) return unproven('unknown', token)
  const { credential } = entry
  if (credential.serviceAccounts !== undefined) return byToken(index, credential, token, attempt)
  if (credential.certificate !== undefined) return unproven('certificate', token, credential)
  // The operator has yet to make the key: the client is not wrong, it is early.
  if (digest && credential.keys.length === 0) return refuse('noKey', 'always.keys', credential.name)
  if (key === undefined) return unproven('password', token, credential)
  // With two keys of the same password, the other one may count at an earlier time than this one: nothing is known of the past.
  const from = matches.length === 1 ? Number.NEGATIVE_INFINITY : attempt.now
  return { credential, key: key.id, from, until: key.notAfter }
}

/** The refusal of a login that proves nothing: by what was shown alone, so that it does not tell whether the username exists. */
const unproven = (reason: AuthFailure, token: Token | TokenTrouble, credential?: CredentialConfig): Proven =>
  refuse(reason, token === 'unknownKey' ? 'always.tokenKeys' : 'always.password', credential?.name)

function byToken(
  { issuer }: CredentialIndex,
  credential: CredentialConfig,
  token: Token | TokenTrouble,
  { now }: LoginAttempt,
): Proven {
  // The issuer or its key may have been taken back since the session began: then its tokens do not count any more.
  const trouble = typeof token === 'string' ? token : issuer === undefined ? 'unknownKey' : tokenNow(issuer, token, now)
  if (trouble === 'expired') return refuse('tokenExpired', 'always.token', credential.name)
  if (trouble === 'notYetValid') return refuse('tokenExpired', 'always.token', credential.name, notYetValid)
  if (trouble !== undefined) return unproven(trouble === 'forged' ? 'token' : 'tokenKey', trouble, credential)
  const known = token as Token
  const { serviceAccount } = known
  if (credential.serviceAccounts?.includes(serviceAccount) !== true) {
    return refuse('serviceAccount', 'credential.serviceAccounts', credential.name)
  }
  return { credential, key: `ServiceAccount ${serviceAccount}`, ...tokenSpan(known) }
}

const notYetValid = 'the token is not valid yet by the clock of this relay'

/** The reason for the log, and the text of the reply, of what TLS or the clock has against a certificate. */
export const certificateTroubles: Readonly<Record<CertificateTrouble, readonly [AuthFailure, text?: string]>> = {
  absent: ['certificate'],
  untrusted: ['certificate', 'the client certificate is not of an authority that this listener takes'],
  expired: ['certificateExpired', 'the client certificate has expired, or one that vouches for it'],
  notYetValid: ['certificateExpired', 'the client certificate is not valid yet, or one that vouches for it'],
  notForClients: [
    'certificate',
    'the client certificate is not for clients (key usage, extended key usage), or one that vouches for it is no authority',
  ],
  unfit: [
    'certificate',
    'the client certificate, or one that vouches for it, has a weak key or signature, breaks the constraints of its issuer, or has an extension that is not known',
  ],
}

/** By a certificate: the one credential that names it; and which the client names, where it gives a username. */
function byShown(
  index: CredentialIndex,
  certificate: ClientCertificate | CertificateTrouble,
  { username, now }: LoginAttempt,
): Proven {
  const claimed = index.byUsername.get(username)?.credential.name
  const trouble = typeof certificate === 'string' ? certificate : certificateNow(index.anchors, certificate, now)
  if (trouble !== undefined) {
    const [reason, text] = certificateTroubles[trouble]
    return refuse(reason, 'always.clientCertificate', claimed, text)
  }
  const shown = certificate as ClientCertificate
  const named = [...namedBy(index, shown)]
  const [meant, ...more] = named.filter(([c]) => username === '' || c.username === username)
  if (meant === undefined) return refuse('certificateName', 'credential.clientCertificate', claimed)
  if (more.length > 0) return refuse('certificateAmbiguous', 'credential.clientCertificate', undefined, ambiguous)
  return { credential: meant[0], key: meant[1], from: shown.notBefore, until: shown.notAfter }
}

const ambiguous = 'more than one credential names this client certificate'

// Compares with every key, so that the time does not tell which one it was.
const matching = (keys: readonly Key[], digest: Uint8Array): readonly Key[] =>
  keys.filter((key) => timingSafeEqual(key.digest, digest))

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
