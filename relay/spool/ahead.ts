/** Where recipients stand before a record of their own message says so: a state that is being written, or a DSN that reports them. */
import type { RecipientState } from '../mail/envelope.ts'

type States = readonly RecipientState[]
/** Held by whoever copies a message: it changes when the recipients do, and the copy is then out of date. */
export type Watch = { changed: boolean }

/** The recipients once a DSN has reported those at `forwardPaths`: they are closed, so that no other DSN reports them again. */
export const closed = (recipients: States, forwardPaths: readonly string[]): States =>
  recipients.map((r) =>
    r.state === 'pending' && forwardPaths.includes(r.forwardPath) ? { ...r, state: 'bounced' } : r,
  )

/** Recipients, over all messages, whose states are in memory alone. The oldest of more are forgotten, and may be tried too soon. */
const mostRemembered = 20_000

export class Ahead {
  readonly #states = new Map<number, States>()
  /** States that the journal has no room for. A restart forgets them. */
  readonly #remembered = new Map<number, States>()
  #rememberedRecipients = 0
  /** Forward-paths that a DSN in the journal reports, while the last state of the message itself still has them pending. */
  readonly #reported = new Map<number, readonly string[]>()
  readonly #watched = new Map<number, Watch>()

  /** States that are being written. They count at once and even if that fails: what is delivered is never tried again. */
  put(handle: number, recipients: States): void {
    this.#states.set(handle, recipients)
    this.#letGo(handle)
    this.#reported.delete(handle)
    this.#change(handle)
  }

  /** States that are not written. They may only defer: a recipient that they end would be tried again when they are forgotten. */
  remember(handle: number, recipients: States): void {
    this.#states.delete(handle)
    this.#letGo(handle)
    this.#remembered.set(handle, recipients)
    this.#rememberedRecipients += recipients.length
    for (const oldest of this.#remembered.keys()) {
      if (this.#rememberedRecipients <= mostRemembered) return
      this.#letGo(oldest)
    }
  }

  report(handle: number, forwardPaths: readonly string[]): void {
    this.#reported.set(handle, [...(this.#reported.get(handle) ?? []), ...forwardPaths])
    this.#change(handle)
  }

  /** These states are durable; newer ones may already be on their way. */
  settled(handle: number, recipients: States): void {
    if (this.#states.get(handle) === recipients) this.#states.delete(handle)
  }

  /** The newest record of the message holds all that is known here, or the message is gone. */
  forget(handle: number): void {
    this.#states.delete(handle)
    this.#letGo(handle)
    this.#reported.delete(handle)
  }

  stateOf(handle: number): States | undefined {
    return this.#states.get(handle) ?? this.#remembered.get(handle)
  }

  /** Its state is being written, or that write failed: the journal may not have it. */
  isBeingWritten(handle: number): boolean {
    return this.#states.has(handle)
  }

  /** These recipients, with those closed that DSNs report. */
  complete(handle: number, recipients: States): States {
    const reported = this.#reported.get(handle)
    return reported === undefined ? recipients : closed(recipients, reported)
  }

  watch(handle: number): Watch {
    const watch = { changed: false }
    this.#watched.set(handle, watch)
    return watch
  }

  unwatch(handle: number, watch: Watch): void {
    if (this.#watched.get(handle) === watch) this.#watched.delete(handle)
  }

  #letGo(handle: number): void {
    const remembered = this.#remembered.get(handle)
    if (remembered === undefined) return
    this.#rememberedRecipients -= remembered.length
    this.#remembered.delete(handle)
  }

  #change(handle: number): void {
    const watch = this.#watched.get(handle)
    if (watch !== undefined) watch.changed = true
  }
}
