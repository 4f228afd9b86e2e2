/** The issuer of the cluster's tokens: asked while a credential needs it, again and again, so that its keys are followed. */
import { isDeepStrictEqual } from 'node:util'
import { type Backoff, backoffMs } from '../../backoff.ts'
import type { TokenIssuer } from '../../compile/snapshot.ts'
import type { Api } from '../api/api.ts'
import { rest } from '../api/rest.ts'
import type { DeclaredObject } from './declared.ts'
import { issuerIn } from './issuer-answer.ts'

/**
 * How often it is asked. A new key can be read well before it signs its first token; only after an API server was restarted
 * with another key are its tokens refused for so long.
 */
const ordinaryMs = 10_000
const retries: Backoff = { firstMs: 250, longestMs: 10_000 }
/** How long fleets wait for an issuer that does not answer. */
const patienceMs = 3000

type Asking = {
  readonly api: Pick<Api, 'discover'>
  /** It is another one, or has other keys: only to raise a flag. */
  readonly changed: () => void
  readonly tell: (why: string) => void
  readonly everyMs?: number
}

export class IssuerWatch {
  readonly #asking: Asking
  #known: TokenIssuer = { is: 'unknown', why: 'it has not answered yet' }
  #isNeeded = false
  #wasAsked = false
  #failures = 0

  constructor(asking: Asking) {
    this.#asking = asking
  }

  /**
   * What is known of it. When a credential needs it for the first time, this waits for its answer, for `patienceMs` at most.
   */
  async see(declared: readonly DeclaredObject[], signal: AbortSignal): Promise<TokenIssuer> {
    this.#isNeeded = declared.some(asksForTokens)
    if (this.#isNeeded && !this.#wasAsked) await Promise.race([this.#ask(signal), rest(patienceMs, signal)])
    return this.#known
  }

  /** Until the signal ends; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { everyMs = ordinaryMs } = this.#asking
    while (!signal.aborted) {
      const { longestMs } = retries
      const retry = { ...retries, longestMs: Math.min(everyMs, longestMs) }
      await rest(this.#failures === 0 ? everyMs : backoffMs(this.#failures, retry, Math.random()), signal)
      if (this.#isNeeded && !signal.aborted) await this.#ask(signal)
    }
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const { api, tell } = this.#asking
    this.#wasAsked = true
    try {
      const answers = await Promise.all(paths.map((path) => api.discover(path, { signal })))
      this.#failures = 0
      this.#note(issuerIn(...(answers as [unknown, unknown])))
    } catch (error) {
      if (signal.aborted) return
      this.#failures++
      const why = (error as Error).message
      tell(why)
      // What was known stays: that it can not be asked does not change its keys.
      if (this.#known.is === 'unknown') this.#note({ is: 'unknown', why })
    }
  }

  #note(found: TokenIssuer): void {
    if (isDeepStrictEqual(found, this.#known)) return
    this.#known = found
    this.#asking.changed()
  }
}

const paths = ['/.well-known/openid-configuration', '/openid/v1/jwks'] as const

/** Also of an object with an error: its fleet goes on with what it had before, and that needs the newest keys, too. */
const asksForTokens = (declared: DeclaredObject): boolean => {
  const { kind, spec } = declared.is === 'valid' ? declared.resource : declared.invalid
  return kind === 'RelayCredential' && (spec as { readonly type?: unknown } | undefined)?.type === 'ServiceAccountToken'
}
