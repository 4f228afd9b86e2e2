/**
 * The sessions of TLS whose records are not counted one by one (under-handshake.ts): each second it is looked at whether what came
 * says anything, and whether what TLS answers is read. To each key that is asked for it answers with a new one (RFC 8446 section
 * 4.6.3), which waits in OpenSSL's memory: no stream sees that, and nothing limits it.
 */
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { mostTlsUnread, quietOctets } from './limits.ts'

const lookEveryMs = 1_000

/** A record with one octet of data has at most 85, with any cipher that we take: one octet in a hundred is less than anybody says. */
const leastSaid = 1 / 100

/** `writeQueueSize`: octets that OpenSSL has encrypted, and that have not gone to the system yet. */
type Handle = { readonly writeQueueSize: number }

/** How many octets had come under TLS, and how many of data in them, at the last look. */
type Seen = { came: number; said: number }

export class QuietSessions {
  readonly #looks = new Map<TLSSocket, () => void>()
  #looking: NodeJS.Timeout | undefined

  /** `plain`: the socket below. Calls `quiet` when this session says too little or reads too little, and ends it: a reply would wait. */
  watch(session: TLSSocket, plain: Pick<Socket, 'bytesRead'>, quiet: () => void): void {
    const seen: Seen = { came: plain.bytesRead, said: session.bytesRead }
    this.#looks.set(session, () => {
      const [came, said] = [plain.bytesRead - seen.came, session.bytesRead - seen.said]
      seen.came += came
      seen.said += said
      const isQuiet = came > quietOctets && said < came * leastSaid
      if (!isQuiet && unreadOf(session) <= mostTlsUnread) return
      quiet()
      session.destroy()
    })
    session.once('close', () => this.#leave(session))
    this.#looking ??= setInterval(this.#look, lookEveryMs).unref()
  }

  #leave(session: TLSSocket): void {
    this.#looks.delete(session)
    if (this.#looks.size > 0) return
    clearInterval(this.#looking)
    this.#looking = undefined
  }

  readonly #look = (): void => {
    for (const look of this.#looks.values()) look()
  }
}

const unreadOf = (session: TLSSocket): number =>
  (session as unknown as { readonly _handle: Handle | null })._handle?.writeQueueSize ?? 0
