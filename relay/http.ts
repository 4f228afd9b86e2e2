/** What a relay tells about itself over HTTP: /metrics, /healthz, /readyz, /status and /usage. */
import { type Exposition, exposition, type Makers, type Page, page, servePages, verdict } from './page-server.ts'
import { sharedPage } from './shared-page.ts'

/** The body of /status: what the operator bases `Programmed` on, and what a person asks first. */
export type RelayStatus = {
  readonly policy: string
  /** `configHash` of the configuration in force, from when it is known how much of it could be applied. */
  readonly hash: string
  /** Why the newest configuration was refused, where it was. */
  readonly configError?: string
  /** Files of the configuration whose last good content is in use: `path (what is wrong with the new content)`. */
  readonly stale: readonly string[]
  /** Made together with the spool, so another id means another volume. Absent where it could not be written. */
  readonly spoolId?: string
  readonly ready: boolean
  /** Why it is not ready; empty where it is. */
  readonly notReady: readonly string[]
  /**
   * The relay is to leave and takes no new mail, at once or soon. It stays `ready` all the same, so that other relays may be
   * updated. `Drained`: it has no mail left and gets none. Absent: it is not to leave.
   */
  readonly drain?: 'Draining' | 'Drained'
  readonly listeners: readonly { readonly name: string; readonly address: string; readonly port: number }[]
  /** The certificate in use by each open listener. */
  readonly certificates: readonly CertificateStatus[]
  /** In the order of the routes and of their smarthosts' priorities. */
  readonly smarthosts: readonly SmarthostStatus[]
  readonly signing: SigningStatus
  /** The store in which the relays of the fleet count limits together. Absent: there is none, and each hands out its share. */
  readonly limitStore?: LimitStoreStatus
  readonly sessions: number
  readonly queue: {
    readonly ready: number
    readonly deferred: number
    /** Messages with an open attempt, and those whose outcome could not be recorded. */
    readonly inFlight: number
    /** Age of the oldest message, in seconds; 0 with an empty queue. */
    readonly oldestSeconds: number
  }
}

/** The body of /usage: what the credentials with limits have used, and when each key was last used. */
export type RelayUsage = {
  /** The UTC day, as days since the epoch. */
  readonly day: number
  readonly credentials: readonly CredentialUsage[]
  /** The time by this relay's clock, which may differ from that of whoever asks; RFC 3339. */
  readonly now: string
  /** When each key was last used; keys that nobody has used are absent. */
  readonly keys: readonly KeyUsage[]
}

export type KeyUsage = {
  /** namespace/name of the credential */
  readonly name: string
  /** The id of its key. */
  readonly key: string
  /** RFC 3339. */
  readonly at: string
  /** The address of the client. */
  readonly client: string
}

export type CredentialUsage = {
  /** namespace/name */
  readonly name: string
  /** Recipients that this relay has accepted today. */
  readonly today: number
  /** Recipients of all relays today, where they count in a store: its last word, and what was accepted here since. */
  readonly fleet?: number
  /** The last time that one of its limits refused mail; `at` is RFC 3339. */
  readonly lastRefusal?: { readonly rule: string; readonly code: number; readonly at: string }
}

/** `Away`: the relay hands out its share of what was left. `why` holds no secret; `since` is RFC 3339. */
export type LimitStoreStatus =
  | { readonly state: 'Connecting' | 'Connected' }
  | { readonly state: 'Away'; readonly why: string; readonly since?: string }

export type CertificateStatus = {
  readonly listener: string
  /** RFC 3339. */
  readonly notBefore: string
  readonly notAfter: string
}

export type SmarthostStatus = {
  readonly route: string
  readonly name: string
  /**
   * `unproven`: not tried yet. `ejected`: left out after failures, `paused`: it asked for a pause; neither has carried mail
   * since.
   */
  readonly health: 'unproven' | 'healthy' | 'paused' | 'ejected'
  /** Until then it is not even probed; RFC 3339. */
  readonly ejectedUntil?: string
  /**
   * The last reply by which it carried no mail, without mail addresses; absent once it has carried mail again. `at` is RFC 3339.
   */
  readonly lastReply?: {
    readonly code: number
    readonly status: string
    readonly text: string
    readonly at: string
  }
}

/** How mail is signed; no key is ever in it. */
export type SigningStatus = {
  /** Keys of the configuration that can not sign; for a domain without any key, one with an empty selector. */
  readonly broken: readonly { readonly domain: string; readonly selector: string; readonly problem: string }[]
  /**
   * Keys that the configuration in force does not name any more, with the attempts under way that they have signed for. A key's
   * DNS record may be withdrawn only after it has left this list, and then not before next hops have delivered what they hold in
   * their queues.
   */
  readonly leaving: readonly { readonly domain: string; readonly selector: string; readonly attempts: number }[]
}

export type Pages = {
  /** Why the relay is not ready; empty where it is. */
  readonly notReady: () => readonly string[]
  readonly status: () => RelayStatus
  readonly usage: () => RelayUsage
  readonly metrics: () => Promise<Exposition>
}

const json = (value: unknown) => page(200, 'application/json', `${JSON.stringify(value)}\n`)

/** /healthz and /readyz are answered at once; pages that cost something are made once for all who ask meanwhile. */
const makersOf = ({ notReady, status, usage, metrics }: Pages): Makers =>
  new Map<string, () => Page | Promise<Page>>([
    ['/healthz', () => verdict([])],
    ['/readyz', () => verdict(notReady())],
    ['/status', sharedPage(() => json(status()))],
    ['/usage', sharedPage(() => json(usage()))],
    ['/metrics', sharedPage(async () => exposition(await metrics()))],
  ])

export const serve = (at: { host: string; port: number }, from: Pages): ReturnType<typeof servePages> =>
  servePages(at, makersOf(from))
