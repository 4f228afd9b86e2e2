/** Where recipients stand beyond what the journal says of their message itself: a state that is being written, a DSN. */
import type { RecipientState } from '../mail/envelope.ts'

type States = readonly RecipientState[]
/** Told of one message as long as somebody copies it. */
export type Watch = { changed: boolean }

/** The recipients after a DSN has reported some of them: each is reported once. */
export const closed = (recipients: States, forwardPaths: readonly string[]): States =>
  recipients.map((r) =>
    r.state === 'pending' && forwardPaths.includes(r.forwardPath) ? { ...r, state: 'bounced' } : r,
  )

/** Of all messages whose states the journal is not to have: the oldest of more are tried sooner than they had to be. */
const mostRemembered = 20_000

export class Ahead {
  readonly #states = new Map<number, States>()
  /** For which there is no room in the journal: a restart forgets them. */
  readonly #remembered = new Map<number, States>()
  #rememberedRecipients = 0
  /** What a DSN in the journal reports, and no state of the message itself says yet. */
  readonly #reported = new Map<number, readonly string[]>()
  readonly #watched = new Map<number, Watch>()

  /** These count from now on, whatever becomes of the write. */
  put(handle: number, recipients: States): void {
    this.#states.set(handle, recipients)
    this.#letGo(handle)
    this.#reported.delete(handle)
    this.#change(handle)
  }

  /** These count as long as they are remembered; the journal is not to have them, and nobody is done with by them. */
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

  /** The journal says so too. */
  settled(handle: number, recipients: States): void {
    if (this.#states.get(handle) === recipients) this.#states.delete(handle)
  }

  /** The journal says everything, or the message is gone. */
  forget(handle: number): void {
    this.#states.delete(handle)
    this.#letGo(handle)
    this.#reported.delete(handle)
  }

  stateOf(handle: number): States | undefined {
    return this.#states.get(handle) ?? this.#remembered.get(handle)
  }

  /** A write of its state failed, or is under way. */
  isBeingWritten(handle: number): boolean {
    return this.#states.has(handle)
  }

  /** With what DSNs report. */
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
