/**
 * What a fleet hands out of limits and throttles: by one count in a store, where the policy names one and it answers, else each
 * relay its own share. For each credential (or throttle) one question to the store is under way at a time; messages that come
 * meanwhile go together into the next one. So a crowd costs few questions, and no answer is about an older count than the one
 * before it.
 */
import { type LimitStoreConfig, type LoadedConfig, secretIn } from '../config.ts'
import type { Events } from '../events.ts'
import type { LimitStoreStatus } from '../http.ts'
import type { Refusal } from '../mail/rule.ts'
import { type Counted, overDaily, overRate } from '../rules/limits.ts'
import { rateShare, wholeFleet } from '../rules/share.ts'
import { isThrottle } from '../rules/throttles.ts'
import type { Allowances } from './allowances.ts'
import type { Answer, Verdict } from './quota-script.ts'
import { QuotaStore, type StoreState } from './quota-store.ts'
import type { StoreTarget } from './redis-connection.ts'

/** A message that waits for its verdict. */
type Asking = {
  readonly credential: Counted
  readonly recipients: number
  readonly decide: (refused: Refusal | undefined) => void
}
/**
 * What is to be asked about one credential. While anybody is `telling`, the store is to be told its count, even if no message waits;
 * each is called when that is done, which is not the end of a line to which messages go on coming.
 */
type Line = { readonly waiting: Asking[]; readonly telling: (() => void)[] }

type Parts = {
  readonly own: Allowances
  /** This relay's name in the store. It has to stay the same for as long as `own` remembers its counts, over restarts too. */
  readonly relay: string
  readonly events: Pick<Events, 'limitStore' | 'limitsJudged'>
}

/** The most messages in one question: the store, which does one thing at a time, takes a few microseconds for each. */
const mostAtOnce = 100
/** When the store has to be told all counts again, so many are told at a time, so that messages do not wait behind all of them. */
const toldAtOnce = 50

export class FleetAllowances {
  readonly #parts: Parts
  readonly #lines = new Map<string, Line>()
  #store: QuotaStore | undefined
  #target = ''
  #toTell = false
  #telling = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** From here on counts where this configuration says: in its store, or without one. */
  follow(loaded: LoadedConfig): void {
    const { config } = loaded
    const { store } = config.sharing ?? {}
    const target = store && targetOf(store, loaded)
    const text = JSON.stringify([config.policy, store?.timeoutMs, target])
    if (text === this.#target) return
    this.#target = text
    this.#store?.close()
    this.#store = undefined
    const { events } = this.#parts
    if (store === undefined || target === undefined) {
      events.limitStore(undefined)
      return
    }
    const where = `${store.host}:${store.port}`
    this.#store = new QuotaStore({
      target,
      policy: config.policy,
      timeoutMs: store.timeoutMs,
      changed: (state) => events.limitStore(where, state),
      forgot: () => void this.#tellAll(),
    })
    events.limitStore(where, this.#store.state)
  }

  /** Whether there is a store that answers, as far as is known. */
  get answers(): boolean {
    return this.#store?.state.kind === 'connected'
  }

  status(): LimitStoreStatus | undefined {
    return this.#store && statusOf(this.#store.state)
  }

  /**
   * The refusal that a message with so many recipients would get now, as far as is known without asking the store; counts
   * nothing.
   */
  peek(credential: Counted, recipients: number): Refusal | undefined {
    return this.#parts.own.peek(credential, recipients)
  }

  /** The refusal for one more recipient of a message that has `accepted` already. */
  room(credential: Counted, accepted: number): Refusal | undefined {
    return this.#parts.own.room(credential, accepted)
  }

  /** Counts all recipients, or none and says why. Waits for the store, but never longer than the policy's `timeoutMs`. */
  take(credential: Counted, recipients: number): Refusal | undefined | Promise<Refusal | undefined> {
    if (this.#store === undefined || this.#store.state.kind === 'away') return this.#takeOwn(credential, recipients)
    const { promise, resolve } = Promise.withResolvers<Refusal | undefined>()
    this.#line(credential.name).waiting.push({ credential, recipients, decide: resolve })
    return promise
  }

  /** Resolves when the file knows of all that was handed out until now; undefined: it does already. */
  get written(): Promise<void> | undefined {
    return this.#parts.own.written
  }

  dayOf(credential: Counted): number {
    return this.#parts.own.dayOf(credential)
  }

  /**
   * The message was not kept after all; see Allowances.giveBack for what comes back to a credential. A throttle gets its rate back,
   * since others share it.
   */
  giveBack(credential: Counted, recipients: number, day: number): void {
    if (isThrottle(credential.name)) {
      void this.take(credential, -recipients)
      return
    }
    this.#parts.own.giveBack(credential, recipients, day)
    if (this.answers) void this.#tell(credential.name)
  }

  async close(): Promise<void> {
    this.#store?.close()
    await this.#parts.own.close()
  }

  #takeOwn(credential: Counted, recipients: number): Refusal | undefined {
    if (recipients > 0) this.#parts.events.limitsJudged('share')
    return this.#parts.own.take(credential, recipients)
  }

  /** The line of a credential. A new one begins to be served only after the caller has added to it. */
  #line(name: string): Line {
    const known = this.#lines.get(name)
    if (known !== undefined) return known
    const line: Line = { waiting: [], telling: [] }
    this.#lines.set(name, line)
    queueMicrotask(() => void this.#serve(name, line))
    return line
  }

  #tell(name: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#line(name).telling.push(resolve)
    return promise
  }

  async #serve(name: string, line: Line): Promise<void> {
    while (line.waiting.length > 0 || line.telling.length > 0) {
      const told = line.telling.splice(0)
      await this.#ask(name, line.waiting.splice(0, mostAtOnce))
      for (const done of told) done()
    }
    this.#lines.delete(name)
  }

  async #ask(name: string, asking: readonly Asking[]): Promise<void> {
    const { own, relay, events } = this.#parts
    const limits = asking.at(-1)?.credential.limits
    const told = own.standing(name)
    const answer = await this.#store?.ask({
      credential: name,
      relay,
      ...told,
      daily: limits?.daily,
      rate: limits?.rate && rateShare(limits.rate, wholeFleet),
      messages: asking.map(({ recipients }) => recipients),
    })
    if (answer === undefined) {
      for (const { credential, recipients, decide } of asking) decide(this.#takeOwn(credential, recipients))
      return
    }
    own.hear({ name, limits }, told, answer)
    for (const [i, { credential, recipients, decide }] of asking.entries()) {
      if (recipients > 0) events.limitsJudged('store')
      const refused = refusalOf(answer.verdicts[i], answer, credential, recipients)
      if (refused !== undefined) own.note(credential, refused)
      decide(refused)
    }
  }

  /** Tells the store all counts again; it skips those that it knows already. Nobody waits for this. */
  async #tellAll(): Promise<void> {
    this.#toTell = true
    if (this.#telling) return
    this.#telling = true
    while (this.#toTell) {
      this.#toTell = false
      const names = this.#parts.own.inUse()
      for (let i = 0; i < names.length; i += toldAtOnce) {
        await Promise.all(names.slice(i, i + toldAtOnce).map((name) => this.#tell(name)))
      }
    }
    this.#telling = false
  }
}

function refusalOf(
  verdict: Verdict | undefined,
  { restOfDayMs }: Answer,
  { limits }: Counted,
  recipients: number,
): Refusal | undefined {
  switch (verdict?.kind) {
    case 'daily':
      return overDaily(limits, verdict.left, recipients, restOfDayMs)
    case 'rate':
      return overRate(limits, verdict.waitMs, limits.rate?.burst ?? limits.rate?.count ?? 0)
    case 'granted':
    case undefined:
      return undefined
  }
}

function targetOf({ host, port, database, tls, auth }: LimitStoreConfig, loaded: LoadedConfig): StoreTarget {
  const ca = tls.caFile === undefined ? undefined : loaded.files.get(tls.caFile)
  const read = (path: string): string => secretIn(loaded, path) ?? ''
  return {
    host,
    port,
    database,
    ...(tls.mode === 'Implicit' && { tls: ca === undefined ? {} : { ca } }),
    ...(auth !== undefined && { auth: { username: read(auth.usernameFile), password: read(auth.passwordFile) } }),
  }
}

function statusOf(state: StoreState): LimitStoreStatus {
  switch (state.kind) {
    case 'connecting':
      return { state: 'Connecting' }
    case 'connected':
      return { state: 'Connected' }
    case 'away':
      return { state: 'Away', why: state.why, since: new Date(state.since).toISOString() }
  }
}
