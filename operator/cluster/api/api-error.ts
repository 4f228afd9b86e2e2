/** What went wrong with one request to the API server, and what the caller can do about it. */

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

  /** The fields that another manager holds, where that is why a server-side apply was refused. */
  get fieldConflicts(): readonly { readonly manager: string; readonly field: string }[] {
    const causes = this.#status.details?.causes ?? []
    return causes
      .filter((c) => c.reason === 'FieldManagerConflict')
      .map((c) => ({ manager: /"([^"]*)"/.exec(c.message ?? '')?.[1] ?? '', field: c.field ?? '' }))
  }
}

/**
 * A webhook that refuses a Secret may quote it, as it was or as it would be, plain or in base64. So every run of 40 letters
 * and more that has a capital among them is left out: each password and key of ours is one, and no name of an object is,
 * since those have no capitals.
 */
const withoutValues = (message: string): string =>
  message.replace(/[\w+/=-]{40,}/g, (run) => (/[A-Z]/.test(run) ? '[not shown]' : run))

/** The error for a refusal, by its body, or for an ERROR event of a watch. `what` is the method and the path. */
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

/** The object as it would be after the write is invalid, whoever writes it. */
export const isInvalid = refusedWith(422)

/** Worth another try without anybody changing anything. */
export const isTransient = (error: unknown): boolean =>
  error instanceof ApiError && (error.trouble !== 'refused' || error.code === 429 || error.code >= 500)
