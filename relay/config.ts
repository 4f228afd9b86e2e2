/** RelayConfig: the whole contract between the operator that compiles and the relay that obeys. Public. */
import { hash } from 'node:crypto'
import {
  count,
  type Decoded,
  decoded,
  flag,
  list,
  object,
  oneOf,
  optional,
  text,
  textWhich,
  type Unknown,
} from './decode.ts'
import { isNetwork } from './rules/networks.ts'

/** It stands in the banner, in EHLO and in each Received: a space or a line end in it would be read as more than a name. */
const hostName = textWhich((name) => /^[\w.-]+$/.test(name), 'is not a host name')

/** An address, or one and its prefix. A list with anything else in it would contain nobody. */
const network = textWhich(isNetwork, 'is not a network, as 192.0.2.0/24')

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
  /** Bare CR and bare LF in a content: the message is refused, or they are made CR LF. */
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
  /** The percentage of the day's recipients from which on the owner is warned. */
  warnAt: count,
})

/**
 * A rate of its own for each credential, each namespace or each sender domain of a From (`scope`); every recipient counts as one.
 */
const throttle = object({
  name: text,
  /** What is counted apart; with several, each combination of them. */
  scope: list(oneOf('Credential', 'Namespace', 'SenderDomain')),
  rate: object({ count, perMs: count }),
  /** Recipients that may come at once after a pause. */
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
  /** namespace/name of each service account whose token is accepted in place of a password; absent: no token is. */
  serviceAccounts: optional(list(text)),
  /** The client certificates that are accepted as a login; absent: none is. */
  certificate: optional(
    object({
      /** The `caFile` of the listeners where it is taken. */
      caFile: text,
      /**
       * One of these in a certificate is enough: `URI:spiffe://…`, `DNS:app.example.org`, `email:app@example.org`; domains in
       * lower case.
       */
      names: list(text),
    }),
  ),
  senders: list(sender),
  /** Full addresses that narrow the senders; empty: no narrowing. */
  addresses: list(text),
  networks: list(network),
  recipientDomains: list(text),
  /** Limits for the whole fleet together; absent: none. */
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
  /** Present on a route to the exchangers (MX) of each recipient's domain; how many connections one relay may use at a time. */
  exchangers: optional(object({ maxConnections: count, maxConnectionsPerDomain: count })),
  retry: object({ scheduleMs: list(count), expireAfterMs: count }),
})

/** How the mail of one sender domain is signed (RFC 6376); `domain` is the `d=` of its signatures. */
const signing = object({
  /** namespace/name of the SenderDomain, for explanations. */
  senderDomain: text,
  domain: text,
  /**
   * What becomes of its mail while a key can not sign, or there is none: it leaves (Warn), waits (Defer), or is not accepted
   * (Refuse).
   */
  whenBroken: oneOf('Warn', 'Defer', 'Refuse'),
  /** Each key makes one signature; that of the first key stands on top. */
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
  /** Defer: its mail waits in the queue. Refuse: no more of it is accepted, and what is queued waits. */
  action: oneOf('Defer', 'Refuse'),
  /** The broken records, each as `TXT example.org`. */
  records: list(text),
})

/** The issuer whose tokens are accepted in place of passwords, and the public keys that verify them. */
const tokens = object({
  issuer: text,
  audience: text,
  keys: list(
    object({
      /** The `kid` by which tokens name it. */
      id: text,
      algorithm: oneOf('RS256', 'ES256', 'ES384', 'ES512'),
      /** SubjectPublicKeyInfo in DER, as base64. */
      publicKey: text,
    }),
  ),
})

/** A Redis or Valkey in which the relays of a fleet count limits and throttles together. */
const limitStore = object({
  host: text,
  port: count,
  database: count,
  /** An answer that takes longer counts as none: then each relay hands out its own share. */
  timeoutMs: count,
  tls: object({ mode: oneOf('Implicit', 'Disabled'), caFile: optional(text) }),
  auth: optional(object({ usernameFile: text, passwordFile: text })),
})

const relayConfig = object({
  version: oneOf('relay.relayfleet.dev/v1'),
  /** namespace/name of the RelayPolicy. */
  policy: text,
  environment: oneOf('Production', 'NonProduction'),
  hostname: hostName,
  suspended: flag,
  listeners: list(listener),
  networks: object({ allow: list(network), deny: list(network) }),
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
  /** Absent: no token is accepted, and OAUTHBEARER is not offered. */
  tokens: optional(tokens),
  /** By sender domain; mail of other domains is not signed. */
  signing: optional(list(signing)),
  brokenDomains: optional(list(brokenDomain)),
  /** Throttles for the whole fleet together; absent: none. */
  throttles: optional(list(throttle)),
  /** How many relays share the throttles and the credentials' limits, and their store; absent where there are none to share. */
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
 * The configuration in the text of relay.json. With unknown fields `left out` it is never to be in force: one of a newer version may
 * narrow something by them.
 * @throws {DecodeError} naming the path of the first field that is wrong, and SyntaxError when it is no JSON.
 */
export function parseConfig(json: string, unknown?: Unknown): RelayConfig {
  return decoded(relayConfig, JSON.parse(json), 'config', unknown)
}

/** The text that is written to disk and hashed: the fields in the order that they have, and one trailing newline. */
export const printConfig = (config: RelayConfig): string => `${JSON.stringify(config, null, 1)}\n`

/** `sha256:` and the hex digest of the file's text; what `/status` reports and `Programmed` compares. */
export const configHash = (text: string): string => `sha256:${hash('sha256', text)}`

/** The verifier that stands in a configuration for an operator-made key of 256 random bits: no slow hash is needed. */
export const verifierOf = (password: string): string => `sha256:${hash('sha256', password)}`

/** The servers that relays connect to by the configuration's word: smarthosts, and the store of limits. */
export const serversOf = ({ routes, sharing }: RelayConfig): readonly (SmarthostConfig | LimitStoreConfig)[] => [
  ...routes.flatMap(({ smarthosts }) => smarthosts),
  ...(sharing?.store === undefined ? [] : [sharing.store]),
]

/** Every file that a configuration names, relative to its folder. */
export function filesOf(config: RelayConfig): readonly string[] {
  const named = [
    ...config.listeners.flatMap((l) => [l.tls.certificateFile, l.tls.keyFile, l.clientCertificates?.caFile]),
    ...serversOf(config).flatMap(({ tls, auth }) => [tls.caFile, auth?.usernameFile, auth?.passwordFile]),
    ...signingKeyFilesOf(config),
  ]
  return [...new Set(named.filter((file) => file !== undefined))]
}

/** The files of signing keys. A configuration can be used without them: each concerns the mail of one domain only. */
export const signingKeyFilesOf = ({ signing = [] }: RelayConfig): readonly string[] =>
  signing.flatMap(({ keys }) => keys.map(({ keyFile }) => keyFile))

/** A configuration as one consistent whole: the text's hash and the content of every file that it names. */
export type LoadedConfig = {
  readonly config: RelayConfig
  readonly hash: string
  readonly files: ReadonlyMap<string, string>
}

/** The value in a file of a Secret, without the newline that an editor leaves at its end, and the mark that some write in front. */
export const secretIn = ({ files }: Pick<LoadedConfig, 'files'>, path: string | undefined): string | undefined =>
  path === undefined ? undefined : files.get(path)?.replace(/^\ufeff|\r?\n$/g, '')
