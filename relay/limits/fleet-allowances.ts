/**
 * What credentials with limits, and throttles, are handed out by a fleet: by one count in a store where its policy names one and it answers,
 * else by each relay's own share. Of each credential one question is under way at a time; who comes meanwhile goes with the
 * next one, so a crowd costs few questions, and an answer is never about an older count than the one before.
 */
import { type LimitStoreConfig, type LoadedConfig, secretIn } from '../config.ts'
import type { Events } from '../events.ts'
import type { LimitStoreStatus } from '../http.ts'
import type { Refusal } from '../mail/rule.ts'
import { type Counted, overDaily, overRate } from '../rules/limits.ts'
import { rateShare } from '../rules/share.ts'
import { isThrottle } from '../rules/throttles.ts'
import type { Allowances } from './allowances.ts'
import type { Answer, Verdict } from './quota-script.ts'
import { QuotaStore, type StoreState } from './quota-store.ts'
import type { StoreTarget } from './redis-connection.ts'

type Asking = {
  readonly credential: Counted
  readonly recipients: number
  readonly decide: (refused: Refusal | undefined) => void
}
/** Of one credential; `tells`: the store is to hear how it stands, whoever waits. */
type Line = { readonly waiting: Asking[]; tells: boolean; readonly served: Promise<void> }

type Parts = {
  readonly own: Allowances
  /** One that stays with what `own` remembers over a restart. */
  readonly relay: string
  readonly events: Pick<Events, 'limitStore' | 'limitsJudged'>
}

/** Messages in one question: it takes the store a few microseconds each. */
const mostAtOnce = 100
/** Told in one go when the store has to hear all of it again: others are to wait for none of it. */
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

  /** Counts where this configuration says. */
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

  /** Whether the store is there to be asked, as far as is known. */
  get answers(): boolean {
    return this.#store?.state.kind === 'connected'
  }

  status(): LimitStoreStatus | undefined {
    return this.#store && statusOf(this.#store.state)
  }

  /** Whether a message with so many recipients would be refused now, as far as is known here; nothing is counted. */
  peek(credential: Counted, recipients: number): Refusal | undefined {
    return this.#parts.own.peek(credential, recipients)
  }

  /** Whether a message that has so many recipients already may have one more. */
  room(credential: Counted, accepted: number): Refusal | undefined {
    return this.#parts.own.room(credential, accepted)
  }

  /** Counts them all, or none and says why. Waits for the store, and never longer than its policy says. */
  take(credential: Counted, recipients: number): Refusal | undefined | Promise<Refusal | undefined> {
    if (this.#store === undefined || this.#store.state.kind === 'away') return this.#takeOwn(credential, recipients)
    const { promise, resolve } = Promise.withResolvers<Refusal | undefined>()
    this.#line(credential.name).waiting.push({ credential, recipients, decide: resolve })
    return promise
  }

  /** When the file knows of all that was handed out until now; undefined: it does. */
  get written(): Promise<void> | undefined {
    return this.#parts.own.written
  }

  /** The message was not kept after all. What it took of a credential's rate is earned anew soon; a throttle is many's. */
  giveBack(credential: Counted, recipients: number): void {
    if (isThrottle(credential.name)) {
      void this.take(credential, -recipients)
      return
    }
    this.#parts.own.giveBack(credential, recipients)
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

  /** The line of a credential; one that is new is served when whoever asked has joined it. */
  #line(name: string): Line {
    const known = this.#lines.get(name)
    if (known !== undefined) return known
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    const line: Line = { waiting: [], tells: false, served: begun.then(() => this.#serve(name, line)) }
    this.#lines.set(name, line)
    begin()
    return line
  }

  #tell(name: string): Promise<void> {
    const line = this.#line(name)
    line.tells = true
    return line.served
  }

  async #serve(name: string, line: Line): Promise<void> {
    while (line.waiting.length > 0 || line.tells) {
      line.tells = false
      await this.#ask(name, line.waiting.splice(0, mostAtOnce))
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
      rate: limits?.rate && rateShare(limits.rate, { relays: 1, index: 0 }),
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
      decide(refused && own.note(credential, refused))
    }
  }

  /** Whatever is told already is passed over by the store; nobody waits for this. */
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
