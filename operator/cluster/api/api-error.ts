/** What went wrong with one request to the API server, and what that means for who asked. */

export type Trouble =
  /** The server answered, and not with what was asked for. */
  | 'refused'
  /** No connection, or one that broke; whether the server did it is not known. */
  | 'unreachable'
  /** The answer was not there, or not whole, in time. */
  | 'late'
  /** An answer that is not what the API promises. */
  | 'garbled'

type Status = {
  readonly code?: number
  readonly reason?: string
  readonly message?: string
  readonly details?: {
    readonly retryAfterSeconds?: number
    readonly causes?: readonly { readonly reason?: string; readonly field?: string; readonly message?: string }[]
  }
}

type Facts = {
  readonly code?: number
  readonly status?: Status
  readonly retryAfterMs?: number
  readonly cause?: unknown
}

export class ApiError extends Error {
  readonly trouble: Trouble
  /** The HTTP status; 0 where the server gave none. */
  readonly code: number
  /** The API's word for it, e.g. `AlreadyExists`; empty where the server gave none. */
  readonly reason: string
  /** How long the server asks us to wait. */
  readonly retryAfterMs: number | undefined
  readonly #status: Status

  constructor(trouble: Trouble, message: string, { code = 0, status = {}, retryAfterMs, cause }: Facts = {}) {
    super(message, cause === undefined ? {} : { cause })
    this.trouble = trouble
    this.code = code
    this.reason = status.reason ?? ''
    const asked = status.details?.retryAfterSeconds
    this.retryAfterMs = retryAfterMs ?? (asked === undefined ? undefined : asked * 1000)
    this.#status = status
  }

  /** Another manager holds these fields of the object (server-side apply). */
  get fieldConflicts(): readonly { readonly manager: string; readonly field: string }[] {
    const causes = this.#status.details?.causes ?? []
    return causes
      .filter((c) => c.reason === 'FieldManagerConflict')
      .map((c) => ({ manager: /"([^"]*)"/.exec(c.message ?? '')?.[1] ?? '', field: c.field ?? '' }))
  }
}

/**
 * Whoever refuses a Secret may quote it, as it was or as it would be, plain or in base64: webhooks are written by anybody. Every
 * password and key of ours has more letters in a row than a word has, and large ones among them, which no object's name has.
 */
const withoutValues = (message: string): string =>
  message.replace(/[\w+/=-]{40,}/g, (run) => (/[A-Z]/.test(run) ? '[not shown]' : run))

/** An error out of the body of a refusal, or of an ERROR event of a watch. */
export function refusal(what: string, code: number, body: unknown, retryAfterMs?: number): ApiError {
  const status: Status = typeof body === 'object' && body !== null ? body : {}
  const words = status.message ?? (typeof body === 'string' ? body.slice(0, 200) : '')
  const said = /\/secrets(\/|$)/.test(what) ? withoutValues(words) : words
  return new ApiError('refused', `${what}: ${code} ${said}`.trim(), {
    code,
    status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}

const refusedWith =
  (...codes: readonly number[]) =>
  (error: unknown): boolean =>
    error instanceof ApiError && error.trouble === 'refused' && codes.includes(error.code)

export const isNotFound = refusedWith(404)
/** The object changed since it was read, or exists already, or a field belongs to somebody else. */
export const isConflict = refusedWith(409)
/** The resource version or the continue token is too old (or, with a misleading 504, too new). */
export const isExpired = refusedWith(410)
export const isForbidden = refusedWith(403)

/** What the object would then be is not allowed, whoever writes it. */
export const isInvalid = refusedWith(422)

/** Worth another try without anybody changing anything. */
export const isTransient = (error: unknown): boolean =>
  error instanceof ApiError && (error.trouble !== 'refused' || error.code === 429 || error.code >= 500)
