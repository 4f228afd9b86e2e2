/** What a relay tells about itself: /metrics, /healthz, /readyz, /status and /usage. */
import { type Makers, type Page, page, plain, servePages } from './page-server.ts'
import { sharedPage } from './shared-page.ts'

/** The body of /status: evidence for `Programmed`, and what a person asks first. */
export type RelayStatus = {
  readonly policy: string
  /** The configuration in force. */
  readonly hash: string
  /** Why the newest configuration was refused, where it was. */
  readonly configError?: string
  /** Files of the configuration whose last good content is in use, each with what is wrong with it. */
  readonly stale: readonly string[]
  /** Made with the spool: another one tells that it is on another volume. Absent where it could not be written. */
  readonly spoolId?: string
  readonly ready: boolean
  /** Why not, where it is not. */
  readonly notReady: readonly string[]
  /** It is to leave, and soon takes no new mail; it is `ready` all the same, and others may be updated meanwhile. `Drained`: it has none left, and gets none. Absent: it stays. */
  readonly drain?: 'Draining' | 'Drained'
  readonly listeners: readonly { readonly name: string; readonly address: string; readonly port: number }[]
  /** The one in force on each open listener. */
  readonly certificates: readonly CertificateStatus[]
  /** In the order of the routes and of their smarthosts' priorities. */
  readonly smarthosts: readonly SmarthostStatus[]
  readonly signing: SigningStatus
  /** Where the relays of the fleet count together. Absent: each hands out a share of its own. */
  readonly limitStore?: LimitStoreStatus
  readonly sessions: number
  readonly queue: {
    readonly ready: number
    readonly deferred: number
    /** With those whose outcome could not be recorded. */
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
  /** This relay's clock: whoever asks may have another one. RFC 3339. */
  readonly now: string
  /** Keys that nobody has used are absent. */
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
  /** Recipients of all relays today, where they count in a store: as it last said, with what was accepted here since. */
  readonly fleet?: number
  /** The last time that one of its limits refused mail; `at` is RFC 3339. */
  readonly lastRefusal?: { readonly rule: string; readonly code: number; readonly at: string }
}

/** `Away`: the relay hands out its share of what was left; `why` is never a secret, `since` is RFC 3339. */
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
  /** `unproven`: not tried yet; `ejected`, `paused`: it was left out, or asked for a pause, and has carried no mail since. */
  readonly health: 'unproven' | 'healthy' | 'paused' | 'ejected'
  /** RFC 3339; while it is not even probed. */
  readonly ejectedUntil?: string
  /** Why it last carried no mail, without mail addresses; absent when it has since. `at` is RFC 3339. */
  readonly lastReply?: {
    readonly code: number
    readonly status: string
    readonly text: string
    readonly at: string
  }
}

/** Never a key. */
export type SigningStatus = {
  /** Keys that the configuration names and that can not sign; a domain without any has an empty selector. */
  readonly broken: readonly { readonly domain: string; readonly selector: string; readonly problem: string }[]
  /**
   * Keys that the configuration in force names no more, while attempts go on that they signed for: a record may be
   * withdrawn only after its key has left this list, and then not before next hops have delivered what they keep.
   */
  readonly leaving: readonly { readonly domain: string; readonly selector: string; readonly attempts: number }[]
}

export type Pages = {
  /** Why it is not ready, where it is not. */
  readonly notReady: () => readonly string[]
  readonly status: () => RelayStatus
  readonly usage: () => RelayUsage
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>
}

const json = (value: unknown) => page(200, 'application/json', `${JSON.stringify(value)}\n`)

/** Whether the relay lives is answered at once; what costs something is made once for all who ask. */
const makersOf = ({ notReady, status, usage, metrics }: Pages): Makers =>
  new Map<string, () => Page | Promise<Page>>([
    ['/healthz', () => plain(200, 'ok\n')],
    ['/readyz', () => readiness(notReady())],
    ['/status', sharedPage(() => json(status()))],
    ['/usage', sharedPage(() => json(usage()))],
    ['/metrics', sharedPage(async () => exposition(await metrics()))],
  ])

const readiness = (why: readonly string[]) =>
  why.length === 0 ? plain(200, 'ok\n') : plain(503, `${why.join('\n')}\n`)

const exposition = ({ type, text }: { readonly type: string; readonly text: string }) => page(200, type, text)

export const serve = (at: { host: string; port: number }, from: Pages): ReturnType<typeof servePages> =>
  servePages(at, makersOf(from))
