/**
 * The store in which the relays of a fleet count together. It is asked over one connection, waited for no longer than the policy
 * says, and left alone for a while after each trouble.
 */
import { randomUUID } from 'node:crypto'
import { within } from '../within.ts'
import {
  type Answer,
  beatWords,
  noAnswer,
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
  /** An answer that takes longer counts as none. */
  readonly timeoutMs: number
  /** Called when the store begins to answer, and when it stops. */
  readonly changed: (state: StoreState) => void
  /** Called when the store may have lost what it knew: all counts are to be told again. */
  readonly forgot: () => void
}

/** The longest time from the look-up of its name to the login. */
const connectMs = 2000
/** How often an idle store is asked whether it is there and has lost nothing. */
const beatMs = 1000
/** After a connection shorter than this, pauses go on growing: a store that answers only now and then is as good as away. */
const steadyMs = 10_000
/** The pause after a trouble, doubled with each one. */
const pauseMs = { shortest: 100, longest: 10_000 }

export class QuotaStore {
  readonly #parts: Parts
  readonly #closing = new AbortController()
  /** Resolves after the first attempt to connect, however it ended. */
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

  /** Undefined: no answer came in time, or none that can be used. */
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
      this.#lost(connection, noAnswer)
      return undefined
    }
    this.#noticed(answer.day, answer.epoch)
    return answer
  }

  async #connect(): Promise<void> {
    const { target } = this.#parts
    // Loaded here, so that relays without a store do not load a client for one.
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
    // The one that answers now may not know what was told last, and was not told what came since: all is told again.
    this.#parts.forgot()
  }

  async #heartbeat(connection: Connection): Promise<boolean> {
    const said = await this.#said(connection, () => connection.send(beatWords(this.#parts.policy)))
    if (said === undefined || this.#connection !== connection) return false
    const beat = readBeat(said.value)
    if (beat === undefined) {
      this.#lost(connection, noAnswer)
      return false
    }
    this.#noticed(beat.day, beat.epoch)
    this.#beat = setTimeout(() => void this.#heartbeat(connection), beatMs).unref()
    return true
  }

  /** Another epoch on the same day tells that the store has lost its count; a new day begins with another epoch anyway. */
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

  /** Gives the connection up: questions that wait for it get no answer, and none is asked before the next connection is there. */
  #lost(connection: Connection | undefined, why: string): void {
    if (connection !== this.#connection) return
    this.#connection = undefined
    clearTimeout(this.#beat)
    connection?.end()
    if (this.#closing.signal.aborted) return
    this.#change({ kind: 'away', why, since: Date.now() })
    if (performance.now() - this.#connectedAt > steadyMs) this.#failures = 0
    this.#connectedAt = Number.POSITIVE_INFINITY
    const pause = Math.min(pauseMs.longest, pauseMs.shortest * 2 ** this.#failures++)
    setTimeout(() => void this.#connect(), pause * (0.5 + Math.random() / 2)).unref()
  }

  #change(state: StoreState): void {
    const before = this.#state
    if (before.kind === 'away' && state.kind === 'away') this.#state = { ...state, since: before.since }
    else this.#state = state
    if (before.kind !== this.#state.kind) this.#parts.changed(this.#state)
  }
}

/** Runs the script by its hash; a store that does not know that yet is given the whole script. */
async function run(connection: Connection, words: readonly string[]): Promise<unknown> {
  try {
    return await connection.send(['EVALSHA', scriptHash, ...words])
  } catch (error) {
    if ((error as Error).message !== 'it says NOSCRIPT') throw error
    return connection.send(['EVAL', script, ...words])
  }
}
