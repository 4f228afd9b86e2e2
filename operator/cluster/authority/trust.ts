/** Keeps the bundle by which clients verify listeners at hand, for callers that can not wait for it. */
import { type Backoff, backoffMs } from '../../backoff.ts'
import { rest } from '../api/rest.ts'
import type { Tell } from '../telling.ts'
import type { OpenAuthority } from './authority.ts'

/** How often to ask; seldom is enough, since a new authority is in the bundle long before it signs. */
const againMs = 30_000
const retries: Backoff = { firstMs: 500, longestMs: 30_000 }

type Trusting = {
  readonly authority: OpenAuthority
  /** There is another bundle now: only to raise a flag. */
  readonly changed: () => void
  readonly tell: Tell
}

export class Trust {
  readonly #trusting: Trusting
  #bundle: string | undefined

  constructor(trusting: Trusting) {
    this.#trusting = trusting
  }

  /** PEM; undefined while there is none. */
  get bundle(): string | undefined {
    return this.#bundle
  }

  /** Until the signal ends; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      failures = (await this.#ask(signal)) ? 0 : failures + 1
      const ms = failures === 0 ? againMs : backoffMs(failures, retries, Math.random())
      await rest(ms, signal)
    }
  }

  async #ask(signal: AbortSignal): Promise<boolean> {
    const { authority, changed, tell } = this.#trusting
    try {
      const { bundle } = await authority.current(signal)
      if (bundle !== this.#bundle) changed()
      this.#bundle = bundle
      return true
    } catch (error) {
      if (!signal.aborted) tell({ about: 'trouble', part: 'authority', why: (error as Error).message })
      return false
    }
  }
}
