/**
 * The store in which the relays of a fleet count together: asked over one connection, waited for as long as its policy says
 * and not longer, and left alone for a while after each trouble.
 */
import { randomUUID } from 'node:crypto'
import { within } from '../within.ts'
import {
  type Answer,
  beatWords,
  proof,
  type Question,
  questionWords,
  readAnswer,
  readBeat,
  script,
  scriptHash,
} from './quota-script.ts'
import type { Connection, StoreTarget } from './redis-connection.ts'

export type StoreState =
  /** The first attempt is under way. */
  | { readonly kind: 'connecting' }
  | { readonly kind: 'connected' }
  | { readonly kind: 'away'; readonly why: string; readonly since: number }

type Parts = {
  readonly target: StoreTarget
  readonly policy: string
  /** An answer that takes longer is none. */
  readonly timeoutMs: number
  /** Told when the store begins to answer, and when it does not any more. */
  readonly changed: (state: StoreState) => void
  /** What it knew may be lost: whoever counts is to say it again. */
  readonly forgot: () => void
  readonly dice?: () => number
}

/** From the first look-up to the login. */
const connectMs = 2000
/** An idle connection that is dead is noticed within this, and that a store has lost what it knew. */
const beatMs = 1000
/** A store that answers for a moment now and then is one that does not. */
const steadyMs = 10_000
const pauseMs = { shortest: 100, longest: 10_000 }

export class QuotaStore {
  readonly #parts: Parts
  readonly #closing = new AbortController()
  /** Over after the first attempt, however it ended. */
  readonly #attempted: Promise<void>
  #state: StoreState = { kind: 'connecting' }
  #connection: Connection | undefined
  #epoch: string | undefined
  #day: number | undefined
  #failures = 0
  #connectedAt = Number.POSITIVE_INFINITY
  #beat: NodeJS.Timeout | undefined

  constructor(parts: Parts) {
    this.#parts = parts
    this.#attempted = this.#connect()
  }

  get state(): StoreState {
    return this.#state
  }

  /** Undefined: there is no answer in time, or none that can be used. */
  async ask(question: Omit<Question, 'policy'>): Promise<Answer | undefined> {
    if (this.#state.kind === 'connecting') await within(this.#parts.timeoutMs, this.#attempted)
    const connection = this.#connection
    if (connection === undefined || this.#state.kind !== 'connected') return undefined
    return this.#answered(connection, question)
  }

  close(): void {
    this.#closing.abort()
    this.#lost(this.#connection, 'closing')
  }

  async #answered(connection: Connection, question: Omit<Question, 'policy'>): Promise<Answer | undefined> {
    const nonce = randomUUID()
    const words = questionWords({ ...question, policy: this.#parts.policy }, nonce)
    const said = await this.#said(connection, () => run(connection, words))
    if (said === undefined) return undefined
    const answer = readAnswer(said.value, nonce, question.messages.length)
    if (answer === undefined) {
      this.#lost(connection, 'what it says is no answer')
      return undefined
    }
    this.#noticed(answer.day, answer.epoch)
    return answer
  }

  async #connect(): Promise<void> {
    const { target } = this.#parts
    // Only who counts in a store loads a client for it.
    const { connectRedis } = await import('./redis-connection.ts')
    if (this.#closing.signal.aborted) return
    let mine: Connection | undefined
    try {
      mine = await connectRedis(target, connectMs, (why) => mine && this.#lost(mine, why))
    } catch (error) {
      this.#lost(undefined, (error as Error).message)
      return
    }
    if (this.#closing.signal.aborted) return mine.end()
    this.#connection = mine
    if ((await this.#answered(mine, proof)) === undefined) return
    if (!(await this.#heartbeat(mine))) return
    this.#connectedAt = performance.now()
    this.#change({ kind: 'connected' })
    // Whatever it says, what it was told last may not have reached whoever answers now; and it was not told what came since.
    this.#parts.forgot()
  }

  async #heartbeat(connection: Connection): Promise<boolean> {
    const said = await this.#said(connection, () => connection.send(beatWords(this.#parts.policy)))
    if (said === undefined || this.#connection !== connection) return false
    const beat = readBeat(said.value)
    if (beat === undefined) {
      this.#lost(connection, 'what it says is no answer')
      return false
    }
    this.#noticed(beat.day, beat.epoch)
    this.#beat = setTimeout(() => void this.#heartbeat(connection), beatMs).unref()
    return true
  }

  /** A day begins with nothing; on the same day another epoch tells of a loss. */
  #noticed(day: number | undefined, epoch: string | undefined): void {
    const changed = this.#epoch !== undefined && this.#epoch !== epoch
    const lost = changed && (day === undefined || day === this.#day)
    this.#day = day ?? this.#day
    this.#epoch = epoch
    if (lost) this.#parts.forgot()
  }

  async #said(connection: Connection, send: () => Promise<unknown>): Promise<{ readonly value: unknown } | undefined> {
    const { timeoutMs } = this.#parts
    try {
      const said = await within(
        timeoutMs,
        send().then((value) => ({ value })),
      )
      if (said === undefined) this.#lost(connection, `no answer within ${timeoutMs} ms`)
      return said
    } catch (error) {
      this.#lost(connection, (error as Error).message)
      return undefined
    }
  }

  /** Whoever still waits for this connection gets no answer; others are not kept waiting until there is another. */
  #lost(connection: Connection | undefined, why: string): void {
    if (connection !== this.#connection) return
    this.#connection = undefined
    clearTimeout(this.#beat)
    connection?.end()
    if (this.#closing.signal.aborted) return
    this.#change({ kind: 'away', why, since: Date.now() })
    const { dice = Math.random } = this.#parts
    if (performance.now() - this.#connectedAt > steadyMs) this.#failures = 0
    this.#connectedAt = Number.POSITIVE_INFINITY
    const pause = Math.min(pauseMs.longest, pauseMs.shortest * 2 ** this.#failures++)
    setTimeout(() => void this.#connect(), pause * (0.5 + dice() / 2)).unref()
  }

  #change(state: StoreState): void {
    const before = this.#state
    if (before.kind === 'away' && state.kind === 'away') this.#state = { ...state, since: before.since }
    else this.#state = state
    if (before.kind !== this.#state.kind) this.#parts.changed(this.#state)
  }
}

/** By its hash, which is short; a store that does not know it is given the whole. */
async function run(connection: Connection, words: readonly string[]): Promise<unknown> {
  try {
    return await connection.send(['EVALSHA', scriptHash, ...words])
  } catch (error) {
    if ((error as Error).message !== 'it says NOSCRIPT') throw error
    return connection.send(['EVAL', script, ...words])
  }
}
