/**
 * Failed logins in a sliding time, for each client (an IPv4 address or an IPv6 /64). The clock comes from the caller.
 * Not for each username: whoever knows one could lock its owner out.
 */
import type { RelayConfig } from '../config.ts'
import { Latest } from '../latest.ts'

type Limits = RelayConfig['authFailures']
/** When its logins failed, and until when it is locked out (0: it is not); milliseconds of the caller's monotonic clock. */
type Client = { failures: readonly number[]; until: number }

/** Beyond this many clients, the one whose last failure is longest ago is forgotten. */
const clientsRemembered = 10_000

export class Lockout {
  readonly #clients = new Latest<Client>(clientsRemembered)

  /** Counts one failure; true when it is the one that locks the client out. */
  failed(client: string, { max, perMs, lockoutMs }: Limits, now: number): boolean {
    const before = this.#clients.get(client)?.failures ?? []
    const failures = [...before.filter((at) => at > now - perMs), now]
    const locks = failures.length >= max
    this.#clients.set(client, locks ? { failures: [], until: now + lockoutMs } : { failures, until: 0 })
    return locks
  }

  locked(client: string, now: number): boolean {
    return (this.#clients.get(client)?.until ?? 0) > now
  }
}
