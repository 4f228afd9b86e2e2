/** One of several operators writes, the one that holds the Lease; it stops before another can start. */
import { spread } from '../../backoff.ts'
import type { Api } from '../api/api.ts'
import { ApiError, isConflict, isNotFound } from '../api/api-error.ts'
import { microTime } from '../api/micro-time.ts'
import type { KubeObject } from '../api/object.ts'
import { resources } from '../api/resource.ts'
import { rest } from '../api/rest.ts'
import { clock as bothClocks, type Clock, elapsedMs, type Moment } from './clock.ts'
import { holderOf, isFree, ordinaryTerms, released, type Sighting, sight, type Terms, taken } from './lease-record.ts'

export type Candidate = {
  /** An Api of its own, so that its requests do not wait behind others for their turn. */
  readonly api: Api
  readonly namespace: string
  readonly name: string
  /** No other candidate has this name, or ever had it. */
  readonly identity: string
  /** Leadership was won or lost: only to raise a flag. */
  readonly changed: () => void
  readonly tell?: (news: ElectionNews) => void
  readonly terms?: Terms
  readonly clock?: Clock
  readonly random?: () => number
}

export type ElectionNews =
  | { readonly about: 'won'; readonly afterTransitions: number }
  | { readonly about: 'lost' }
  /** `again`: the same trouble was told before, and the Lease was neither seen nor held since. */
  | { readonly about: 'trouble'; readonly why: string; readonly again: boolean }

export class Election {
  readonly #candidate: Candidate
  readonly #terms: Terms
  readonly #clock: Clock
  #lease: KubeObject | undefined
  #sighting: Sighting | undefined
  /** When the renewal that was last granted was asked for. */
  #renewed: Moment | undefined
  #term = new AbortController()
  #running: NodeJS.Timeout | undefined
  /** The trouble that was told last; undefined once the Lease was seen or held again. */
  #trouble: string | undefined

  constructor(candidate: Candidate) {
    this.#candidate = candidate
    this.#terms = candidate.terms ?? ordinaryTerms
    this.#clock = candidate.clock ?? bothClocks
    this.#term.abort()
  }

  /**
   * Whether to write now, asked before each write. A process that was stopped for a while finds out here that its time is
   * over.
   */
  writable(): boolean {
    return this.#renewed !== undefined && elapsedMs(this.#renewed, this.#clock()) < this.#terms.stopMs
  }

  /** Ends with leadership: writes that are under way are given up. */
  get term(): AbortSignal {
    return this.#term.signal
  }

  /** Until the signal ends, which has to be after the last write; then the Lease is given back. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { random = Math.random } = this.#candidate
    while (!signal.aborted) {
      const renewed = await this.#campaign(signal)
      const { renewMs, retryMs } = this.#terms
      await rest(spread(renewed ? renewMs : retryMs, random()), signal)
    }
    await this.#giveBack()
  }

  /** One try to get or to keep the lease. */
  async #campaign(signal: AbortSignal): Promise<boolean> {
    const asked = this.#clock()
    try {
      const lease = this.#holds() ? this.#lease : await this.#look(signal)
      if (lease !== undefined && !this.#isFree(lease)) {
        this.#trouble = undefined
        this.#lose()
        return false
      }
      await this.#take(lease)
      this.#trouble = undefined
      this.#win(asked)
      return true
    } catch (error) {
      if (signal.aborted) return false
      // Somebody else wrote it or removed it; the next look tells whose it is now.
      if (isConflict(error) || isNotFound(error)) this.#lease = undefined
      else this.#tellTrouble(String(error))
      return false
    }
  }

  #tellTrouble(why: string): void {
    this.#candidate.tell?.({ about: 'trouble', why, again: why === this.#trouble })
    this.#trouble = why
  }

  /** Whether the Lease is ours by what was last read or written. Then it is renewed without another look. */
  #holds(): boolean {
    return this.#lease !== undefined && holderOf(this.#lease) === this.#candidate.identity
  }

  async #look(signal: AbortSignal): Promise<KubeObject | undefined> {
    const { api, namespace, name } = this.#candidate
    const options = { signal, timeoutMs: this.#callMs() }
    const lease = await api.get(resources.leases, { namespace, name }, options).catch(absent)
    this.#lease = lease
    if (lease !== undefined) this.#sighting = sight(lease, this.#sighting, this.#clock().monotonic)
    return lease
  }

  #isFree(lease: KubeObject): boolean {
    const now = this.#clock().monotonic
    const sighting = sight(lease, this.#sighting, now)
    return isFree(lease, this.#candidate.identity, sighting, now, this.#terms)
  }

  /** Without the signal: if this is granted while everything ends, we have to know it in order to give it back. */
  async #take(before: KubeObject | undefined): Promise<void> {
    const { api, namespace, name, identity } = this.#candidate
    const lease = taken({ namespace, name, identity, time: microTime(this.#clock().wall) }, before, this.#terms)
    const options = { timeoutMs: this.#callMs() }
    this.#lease = before === undefined ? await api.create(lease, options) : await api.replace(lease, options)
  }

  /** The time limit of one request; short enough for a second try before the Lease runs out. */
  #callMs(): number {
    return Math.max(500, (this.#terms.stopMs - this.#terms.renewMs) / 2)
  }

  #win(asked: Moment): void {
    // Our time was over before this renewal was granted. When a clock was set ahead, that shows here before the timer fires;
    // whatever began in the old term has to end.
    if (!this.writable()) this.#lose()
    this.#renewed = asked
    if (!this.writable()) return
    clearTimeout(this.#running)
    this.#running = setTimeout(() => this.#lose(), this.#terms.stopMs - elapsedMs(asked, this.#clock()))
    if (!this.#term.signal.aborted) return
    this.#term = new AbortController()
    const { leaseTransitions = 0 } = (this.#lease?.['spec'] ?? {}) as { leaseTransitions?: number }
    this.#candidate.tell?.({ about: 'won', afterTransitions: leaseTransitions })
    this.#candidate.changed()
  }

  #lose(): void {
    clearTimeout(this.#running)
    this.#renewed = undefined
    if (this.#term.signal.aborted) return
    this.#term.abort(new ApiError('unreachable', 'the lease ran out'))
    this.#candidate.tell?.({ about: 'lost' })
    this.#candidate.changed()
  }

  async #giveBack(): Promise<void> {
    const lease = this.#holds() ? this.#lease : undefined
    this.#lose()
    if (lease === undefined) return
    try {
      await this.#candidate.api.replace(released(lease), { timeoutMs: this.#callMs() })
    } catch (error) {
      // It runs out by itself.
      this.#tellTrouble(String(error))
    }
  }
}

function absent(error: unknown): undefined {
  if (isNotFound(error)) return undefined
  throw error
}
