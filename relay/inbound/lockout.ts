/**
 * Failed logins in a sliding time, for each client (an IPv4 address or an IPv6 /64). The clock comes from the caller.
 * Not for each username: whoever knows one could lock its owner out.
 */
import type { RelayConfig } from '../config.ts'
import { Latest } from '../latest.ts'

type Limits = RelayConfig['authFailures']
/** When its logins failed, and when that locked it out; milliseconds of the caller's monotonic clock. */
type Client = { readonly failures: readonly number[]; readonly lockedAt: number }

const never = Number.NEGATIVE_INFINITY

/** Beyond this many clients, the one whose last failure is longest ago is forgotten. */
const clientsRemembered = 10_000

export class Lockout {
  readonly #clients = new Latest<Client>(clientsRemembered)

  /** Counts one failure; true when it is the one that locks the client out. */
  failed(client: string, { max, perMs }: Limits, now: number): boolean {
    const before = this.#clients.get(client)?.failures ?? []
    const failures = [...before.filter((at) => at > now - perMs), now]
    const locks = failures.length >= max
    this.#clients.set(client, locks ? { failures: [], lockedAt: now } : { failures, lockedAt: never })
    return locks
  }

  /** To be called before other limits come into force: a lockout that is over stays over where they have a longer one. */
  forgetEnded(limits: Limits, now: number): void {
    for (const client of this.#clients.names()) {
      const wasLocked = this.#clients.get(client)?.lockedAt !== never
      if (wasLocked && !this.locked(client, limits, now)) this.#clients.delete(client)
    }
  }

  /** By the limits of now: an edit also counts for who is locked out already. */
  locked(client: string, { lockoutMs }: Limits, now: number): boolean {
    return now - (this.#clients.get(client)?.lockedAt ?? never) < lockoutMs
  }
}
