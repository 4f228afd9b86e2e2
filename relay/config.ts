/** RelayConfig: the whole contract between the operator that compiles and the relay that obeys. Public. */
import { hash } from 'node:crypto'
import { count, type Decoded, decoded, flag, list, object, oneOf, optional, text } from './decode.ts'

const enforcement = oneOf('Enforce', 'Audit')

const listener = object({
  name: text,
  address: text,
  port: count,
  tls: object({
    mode: oneOf('StartTLS', 'Implicit'),
    minVersion: oneOf('1.2', '1.3'),
    /** Paths are relative to the folder of the configuration file. */
    certificateFile: text,
    keyFile: text,
  }),
  /** Absent: no client is asked for its certificate. Required: without a good one a client gets no further. */
  clientCertificates: optional(
    object({
      mode: oneOf('Optional', 'Required'),
      /** Certificates of the authority in PEM; the path is relative to the folder of the configuration file. */
      caFile: text,
    }),
  ),
  /** What becomes of CR or LF alone in a content. */
  bareNewlines: oneOf('Reject', 'Normalise'),
})

/** What one credential may send as: a domain, maybe its subdomains, maybe only some local parts. */
const sender = object({
  /** namespace/name of the SenderDomain, for explanations. */
  senderDomain: text,
  domain: text,
  includeSubdomains: flag,
  /** Exact local parts or `prefix*`; empty: every local part. */
  localParts: list(text),
})

/** How much one credential may send; every recipient of a message counts as one. */
const limits = object({
  /** In one UTC day. */
  daily: optional(count),
  rate: optional(object({ count, perMs: count })),
  /** Percent of the day's recipients from which on the owner is told. */
  warnAt: count,
})

/** How much passes in a time of each credential, of each namespace's, or with a From of each sender domain; every recipient counts as one. */
const throttle = object({
  name: text,
  /** Of several, each combination is counted by itself. */
  scope: list(oneOf('Credential', 'Namespace', 'SenderDomain')),
  rate: object({ count, perMs: count }),
  /** At once, after a pause. */
  burst: count,
  action: oneOf('Reject', 'Audit'),
})

const credential = object({
  /** namespace/name of the RelayCredential. */
  name: text,
  username: text,
  /** `sha256:` and the hex SHA-256 of the password; the password itself is never here. */
  keys: list(
    object({
      id: text,
      verifier: text,
      /** Milliseconds since the epoch, for a relay that no newer configuration reaches; absent: no end. */
      notAfter: optional(count),
    }),
  ),
  /** namespace/name of each account whose token is taken for a password; absent: no token is. */
  serviceAccounts: optional(list(text)),
  /** The client certificate that is taken for a login; absent: none is. */
  certificate: optional(
    object({
      /** The `caFile` of the listeners where it is taken. */
      caFile: text,
      /** Each is enough: `URI:spiffe://…`, `DNS:app.example.org` or `email:app@example.org`, domains in lower case. */
      names: list(text),
    }),
  ),
  senders: list(sender),
  /** Full addresses that narrow the senders; empty: no narrowing. */
  addresses: list(text),
  networks: list(text),
  recipientDomains: list(text),
  /** Of the whole fleet; absent: none. */
  limits: optional(limits),
  suspended: flag,
  /** Milliseconds since the epoch. */
  expiresAt: optional(count),
})

const smarthost = object({
  name: text,
  host: text,
  port: count,
  tls: object({ mode: oneOf('StartTLS', 'Implicit', 'Opportunistic', 'Disabled'), caFile: optional(text) }),
  auth: optional(object({ usernameFile: text, passwordFile: text })),
  /** The lowest number is tried first. */
  priority: count,
  maxConnections: count,
})

const route = object({
  name: text,
  /** Every list that is given must match; absent on the last route. */
  match: optional(
    object({
      senderDomains: list(text),
      recipientDomains: list(text),
      /** Names of the credentials that the policy's selector chose; absent: every credential. */
      credentials: optional(list(text)),
    }),
  ),
  /** Empty on a route to exchangers. */
  smarthosts: list(smarthost),
  /** The route goes to the exchangers of each recipient's domain (MX); connections of one relay that are open at one time. */
  exchangers: optional(object({ maxConnections: count, maxConnectionsPerDomain: count })),
  retry: object({ scheduleMs: list(count), expireAfterMs: count }),
})

/** What signs the mail of one sender domain, as `d=` of its signatures (RFC 6376). */
const signing = object({
  /** namespace/name of the SenderDomain, for explanations. */
  senderDomain: text,
  domain: text,
  /** What becomes of its mail while any of the keys can not sign, or there is none: it leaves, is held, is not taken. */
  whenBroken: oneOf('Warn', 'Defer', 'Refuse'),
  /** One signature each, the first of them on top. */
  keys: list(
    object({
      selector: text,
      algorithm: oneOf('rsa-sha256', 'ed25519-sha256'),
      /** The private key in PEM; the path is relative to the folder of the configuration file. */
      keyFile: text,
      /** Milliseconds since the epoch, for a relay that no newer configuration reaches; absent: no end. */
      notAfter: optional(count),
    }),
  ),
})

/** A sender domain whose DNS records have been broken for too long: what becomes of its mail until they are mended. */
const brokenDomain = object({
  /** namespace/name of the SenderDomain, for explanations. */
  senderDomain: text,
  domain: text,
  /** It waits in the queue; or more of it is not taken, and what is queued waits. */
  action: oneOf('Defer', 'Refuse'),
  /** `TXT example.org` */
  records: list(text),
})

/** Whose tokens are taken for passwords, and the public keys that verify them. */
const tokens = object({
  issuer: text,
  audience: text,
  keys: list(
    object({
      /** What a token names it by (`kid`). */
      id: text,
      algorithm: oneOf('RS256', 'ES256', 'ES384', 'ES512'),
      /** SubjectPublicKeyInfo in DER, as base64. */
      publicKey: text,
    }),
  ),
})

/** A Redis or Valkey in which the relays of a fleet count together. */
const limitStore = object({
  host: text,
  port: count,
  database: count,
  /** An answer that takes longer is none: then each relay hands out its share. */
  timeoutMs: count,
  tls: object({ mode: oneOf('Implicit', 'Disabled'), caFile: optional(text) }),
  auth: optional(object({ usernameFile: text, passwordFile: text })),
})

const relayConfig = object({
  version: oneOf('relay.relayfleet.dev/v1'),
  /** namespace/name of the RelayPolicy. */
  policy: text,
  environment: oneOf('Production', 'NonProduction'),
  hostname: text,
  suspended: flag,
  listeners: list(listener),
  networks: object({ allow: list(text), deny: list(text) }),
  authFailures: object({ max: count, perMs: count, lockoutMs: count }),
  limits: object({
    messageBytes: count,
    recipientsPerMessage: count,
    connectionsPerClient: count,
    messagesPerConnection: count,
    transactionMs: count,
  }),
  senderRules: object({
    envelopeFrom: object({ enforcement }),
    headerFrom: object({ enforcement, displayNameAddress: oneOf('Reject', 'Allow') }),
    alignment: object({ enforcement, mode: oneOf('Strict', 'Organizational') }),
    nullReversePath: oneOf('Deny', 'AllowForCredential'),
  }),
  recipients: object({
    mode: oneOf('Unrestricted', 'AllowList', 'Redirect', 'Capture'),
    domains: list(text),
    addresses: list(text),
    redirectTo: optional(text),
  }),
  credentials: list(credential),
  /** Absent: no token is taken, and none is offered to be. */
  tokens: optional(tokens),
  /** Mail of other domains is not signed. */
  signing: optional(list(signing)),
  brokenDomains: optional(list(brokenDomain)),
  /** Of the whole fleet; absent: none. */
  throttles: optional(list(throttle)),
  /** Who shares throttles and the credentials' limits; absent where there are none. */
  sharing: optional(object({ relays: count, store: optional(limitStore) })),
  routes: list(route),
  queue: object({ maxBytes: count, maxAgeMs: count }),
  evidence: object({ addresses: oneOf('Hash', 'Mask', 'Clear') }),
})

export type RelayConfig = Decoded<typeof relayConfig>
export type ListenerConfig = RelayConfig['listeners'][number]
export type CredentialConfig = RelayConfig['credentials'][number]
export type LimitsConfig = NonNullable<CredentialConfig['limits']>
export type ThrottleConfig = Decoded<typeof throttle>
export type LimitStoreConfig = Decoded<typeof limitStore>
export type TokensConfig = NonNullable<RelayConfig['tokens']>
export type SenderConfig = CredentialConfig['senders'][number]
export type SigningConfig = NonNullable<RelayConfig['signing']>[number]
export type SigningKeyConfig = SigningConfig['keys'][number]
export type RouteConfig = RelayConfig['routes'][number]
export type SmarthostConfig = RouteConfig['smarthosts'][number]

/**
 * The configuration in a file's text.
 * @throws {DecodeError} naming the path of the first field that is wrong, and SyntaxError when it is no JSON.
 */
export function parseConfig(json: string): RelayConfig {
  return decoded(relayConfig, JSON.parse(json), 'config')
}

/** The text that is written to disk and hashed: fields in their order, one trailing newline. */
export const printConfig = (config: RelayConfig): string => `${JSON.stringify(config, null, 1)}\n`

/** `sha256:` and the hex digest of the file's text; what `/status` reports and `Programmed` compares. */
export const configHash = (text: string): string => `sha256:${hash('sha256', text)}`

/** The verifier that stands in a configuration for an operator-made key of 256 random bits: no slow hash is needed. */
export const verifierOf = (password: string): string => `sha256:${hash('sha256', password)}`

/** Every file that a configuration names, relative to its folder. */
export function filesOf(config: RelayConfig): readonly string[] {
  const listeners = config.listeners.flatMap(({ tls, clientCertificates }) => [
    tls.certificateFile,
    tls.keyFile,
    ...(clientCertificates === undefined ? [] : [clientCertificates.caFile]),
  ])
  const smarthosts = config.routes.flatMap((r) => r.smarthosts)
  const { store } = config.sharing ?? {}
  const secrets = [...smarthosts, ...(store === undefined ? [] : [store])].flatMap((s) => [
    s.tls.caFile,
    s.auth?.usernameFile,
    s.auth?.passwordFile,
  ])
  return [...new Set([...listeners, ...secrets.filter((f) => f !== undefined), ...signingKeyFilesOf(config)])]
}

/** Those without which a configuration can be used all the same: what they sign belongs to one domain. */
export const signingKeyFilesOf = ({ signing = [] }: RelayConfig): readonly string[] =>
  signing.flatMap(({ keys }) => keys.map(({ keyFile }) => keyFile))

/** A configuration as one consistent whole: the text's hash and the content of every file that it names. */
export type LoadedConfig = {
  readonly config: RelayConfig
  readonly hash: string
  readonly files: ReadonlyMap<string, string>
}

/** What the file of a Secret holds; the newline that an editor leaves at its end is no part of it. */
export const secretIn = ({ files }: Pick<LoadedConfig, 'files'>, path: string | undefined): string | undefined =>
  path === undefined ? undefined : files.get(path)?.replace(/\r?\n$/, '')
