/** The door of the spool: the only place where the receiving and the sending half meet. */
import type { Readable } from 'node:stream'
import type { Envelope, QueuedMessage, RecipientState } from '../mail/envelope.ts'

/** A message on its way in; nothing is promised until `commit` has returned. */
export type Incoming = {
  readonly queueId: string
  /** One chunk at a time: the next one waits until this resolves. @throws SpoolError; the message is then gone. */
  write(chunk: Buffer): Promise<void>
  /**
   * All is written. A large content is on disk when it resolves, which may take long, and `commit` is left with what it does for any
   * message; without this call, `commit` does both. @throws SpoolError; the message is then gone.
   */
  sync(): Promise<void>
  /**
   * Makes the message ours: when it resolves, content and envelope are on disk, file and folder fsynced, and only then
   * may `250` be said. @throws SpoolError; the message is then gone.
   */
  commit(envelope: Omit<Envelope, 'queueId' | 'bytes'>): Promise<QueuedMessage>
  /** Forgets the message and its file. Never throws. */
  abort(): Promise<void>
}

/** What memory knows of a message that is ours. Times are milliseconds since the epoch. */
export type Outline = {
  readonly queueId: string
  readonly credential: string
  readonly disposition: Envelope['disposition']
  readonly acceptedAt: number
  /** When its next recipient is to be tried, as `soonestOf` says of the state that was last recorded. */
  readonly dueAt: number
  /** Octets of the content. */
  readonly bytes: number
}

export type Spool = {
  /** A new message, or one with a queue id chosen by the caller (a DSN, made once). @throws SpoolError */
  receive(queueId?: string): Promise<Incoming>
  /**
   * A number for each message that is ours, in the order of acceptance. It stands for the message until that is gone,
   * and for another one afterwards. At the opening what is damaged was quarantined, what DSNs report was closed, and what
   * had no pending recipient was ended.
   */
  handles(): Iterable<number>
  handleOf(queueId: string): number | undefined
  outline(handle: number): Outline | undefined
  /** For who looks through very many messages: a whole outline costs twenty times as much. */
  acceptedAt(handle: number): number | undefined
  /** Reads envelope and state; undefined when it is not ours, or was found damaged and set aside. @throws SpoolError */
  load(handle: number): Promise<QueuedMessage | undefined>
  has(queueId: string): boolean
  /** The content as it was received, our Received first; what is damaged is a SpoolError before its last octet. */
  content(queueId: string): Readable
  /** The whole of it, where memory still has it: what was just received, and what was just loaded. */
  contentInMemory(queueId: string): Buffer | undefined
  /**
   * Durable when it resolves: the new state of every recipient of the message. A recipient is `bounced` only after its
   * DSN is durable: a message without a pending recipient is ended at the next opening. @throws SpoolError
   */
  record(queueId: string, recipients: readonly RecipientState[]): Promise<void>
  /** Durable when it resolves: the message is no longer ours. @throws SpoolError */
  remove(queueId: string): Promise<void>
  /** Told once for each message that becomes ours after opening. */
  onQueued(listener: (message: QueuedMessage) => void): void
  /** Messages that are ours. */
  readonly size: number
  /** Octets of the volume that are spoken for: what is ours, with the states that it may get and its removals. */
  readonly claimed: number
  /** The earliest time of acceptance of what is ours, told by the wall clock as it was set then. */
  readonly oldestAcceptedAt: number | undefined
  /** The same, of the times that `trueTime` makes of them. */
  earliest(trueTime: (acceptedAt: number) => number): number | undefined
  /** The reason why the spool takes nothing now (disk full, read-only), or undefined. */
  readonly fault: string | undefined
  /** `fault` is a lack of room. */
  readonly isFull: boolean
}

/** `full`: no room (ENOSPC, EDQUOT). `fault`: the disk failed (EIO, EROFS). Both are the relay's, never the client's. */
export class SpoolError extends Error {
  readonly kind: 'full' | 'fault'
  constructor(kind: 'full' | 'fault', message: string, cause?: unknown) {
    super(message, { cause })
    this.kind = kind
  }
}
