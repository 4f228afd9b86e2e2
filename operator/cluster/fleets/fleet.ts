/** One fleet, as long as this process writes it: what is known of its Secrets, and how the work on it ended last. */
import { type Backoff, backoffMs } from '../../backoff.ts'
import type { Name } from '../../compile/snapshot.ts'
import type { Api } from '../api/api.ts'
import { isTransient } from '../api/api-error.ts'
import { rest } from '../api/rest.ts'
import type { Owner } from '../write/ownership.ts'
import type { Fence } from './fence.ts'
import type { FleetJob } from './fleet-job.ts'
import { FleetSecrets } from './fleet-secrets.ts'
import { errorTrouble } from './fleet-trouble.ts'
import { Struggles } from './struggle.ts'

export type FirstLook = {
  readonly api: Api
  readonly signal: AbortSignal
  /** How long other fleets wait for this one; milliseconds. */
  readonly patienceMs: number
  readonly backoff: Backoff
  /** Called when the look ends after the others went on without it. */
  readonly late: () => void
}

export class Fleet {
  readonly name: Name
  readonly secrets: FleetSecrets
  readonly fence: Fence
  readonly struggles = new Struggles()
  /** Names the work that is done, with the objects as they were then; undefined where something is left to do. */
  settled: string | undefined
  /** Names the work that is being done. */
  inHand: string | undefined
  /**
   * How often a Secret was found to be other than it was known. It is part of the name of the work: what was found while work
   * was in hand is new work.
   */
  found = 0
  /** The work that was given last. */
  job: FleetJob | undefined
  /** Names what ran when that was last asked for (`FleetSecrets.basis`). */
  basis: string | undefined
  /** Its relays no longer use private keys that are still in its Secrets: there is work, whatever was done last. */
  hasKeysToClear = false
  trouble: string | undefined
  isLooked = false
  #isLooking = false
  #isLate = false
  /** Resolved when the first look is over, or is known to take longer. */
  readonly #answered = Promise.withResolvers<void>()

  constructor(name: Name, owner: Owner, fence: Fence) {
    this.name = name
    this.secrets = new FleetSecrets(name, owner)
    this.fence = fence
  }

  /**
   * Resolves when it was looked at, or need not be waited for: a namespace that refuses the look must not delay other fleets.
   */
  get answered(): Promise<void> {
    return this.#answered.promise
  }

  /** Nobody waits for the answer any longer. */
  goOn(): void {
    this.#isLate ||= !this.isLooked
    this.#answered.resolve()
  }

  /** Looks until it succeeds, and only once: resolves at once where that is done, or under way. */
  async look({ api, signal, patienceMs, backoff, late }: FirstLook): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    const patience = setTimeout(() => this.goOn(), patienceMs)
    for (let failures = 0; !signal.aborted && !this.isLooked; ) {
      try {
        await this.secrets.look(api, signal)
        this.isLooked = true
        this.trouble = undefined
      } catch (error) {
        failures += 1
        this.trouble = errorTrouble(`looking at the Secrets of fleet ${this.name}`, error)
        if (!isTransient(error)) this.goOn()
        await rest(backoffMs(failures, backoff, Math.random()), signal)
      }
    }
    clearTimeout(patience)
    this.#answered.resolve()
    if (this.#isLate) late()
  }
}
