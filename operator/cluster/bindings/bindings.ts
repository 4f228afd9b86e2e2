/**
 * Makes the binding Secret of each credential that is owed one, repairs it when it is damaged, and never touches somebody
 * else's.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Backoff } from '../../backoff.ts'
import { keyOf, newPassword } from '../../binding-secret.ts'
import type { Binding, Compiled, Condition } from '../../compile/compiled.ts'
import { type BindingKeys, type Name, namespaceOf, splitName } from '../../compile/snapshot.ts'
import type { Dirty } from '../../dirty.ts'
import { activeOf, type Heard, pendingOf, stamped } from '../../lifecycle/keys.ts'
import { type KeyFacts, nextKeys, withPending } from '../../lifecycle/rotate.ts'
import type { Api } from '../api/api.ts'
import { ApiError } from '../api/api-error.ts'
import { rest } from '../api/rest.ts'
import type { Occasion } from '../events/event-series.ts'
import type { DeclaredObject } from '../watch/declared.ts'
import type { World } from '../watch/world.ts'
import { Deposed, Leaving, type Writing } from '../write/apply.ts'
import { openLanes } from '../write/lanes.ts'
import { credentialOwner } from '../write/ownership.ts'
import { Permits } from '../write/permits.ts'
import { lasts, patienceMs, whyOf } from '../write/refused.ts'
import { type Conclusion, conclusionOf } from './binding-conclusion.ts'
import { type Entry, entryOf, expectsNone, knownKeys, owe } from './binding-entry.ts'
import { bindingTroubles } from './binding-news.ts'
import type { Owed } from './binding-object.ts'
import { ensureBinding, heldUnder, removeBinding, type Wanted } from './ensure-binding.ts'
import type { Reach } from './key-reach.ts'

export type Bindings = {
  /** What is owed from now on; returns at once. `authority`: the PEM bundle that goes into `certificates`. */
  give(compiled: Pick<Compiled, 'bindings' | 'heldBindings'>, authority: string): void
  /** By RelayCredential, the keys that the Secrets were found or made to hold: newer than what a status says. */
  keys(): ReadonlyMap<Name, BindingKeys>
  /**
   * By RelayCredential, the Secret that a status should go on naming, which has another name than what is owed, until that
   * one is there.
   */
  formerNames(): ReadonlyMap<Name, string>
  /** Why a credential's Secret is not as it should be: a condition for it, ready to be shown. */
  troubles(): ReadonlyMap<Name, Condition>
  run(signal: AbortSignal): Promise<void>
}

export type Turns = {
  /** How often each Secret is looked at, while there are few. */
  readonly everyMs: number
  /** The pause between two looks, however many Secrets there are. */
  readonly pauseMs: number
}

export type Binder = {
  readonly api: Api
  readonly world: Pick<World, 'declaredAs'>
  /** Asked before each write; a standby does nothing at all. */
  readonly mayWrite: () => boolean
  /** Marked when keys or troubles are others than before. */
  readonly dirty: Pick<Dirty, 'mark'>
  readonly recorder?: (occasion: Occasion) => void
  /** Milliseconds of a clock that only goes on. */
  readonly now?: () => number
  /** Milliseconds since the epoch. */
  readonly wall?: () => number
  /** Whether a new key may be handed out, since all relays accept it. */
  readonly reach: Reach
  /** What the relays have told of the use of keys. */
  readonly heard: (fleet: Name, credential: Name) => Heard
  readonly turns?: Turns
  readonly backoff?: Backoff
  /** Called with how long the work on one Secret took; milliseconds. */
  readonly took?: (ms: number) => void
  /** Called with what failed, and is tried again. */
  readonly tell?: (name: Name, why: string) => void
}

const ordinary = {
  turns: { everyMs: 30_000, pauseMs: 200 },
  backoff: { firstMs: 500, longestMs: 120_000 },
} as const
/** When work on a key that is due is given again, if it has not ended by then. */
const againMs = 5000
/** How long to wait for what is under way in the end; it is given up, and so ends soon. */
const restMs = 5000

export function openBindings(binder: Binder): Bindings {
  const { api, world, mayWrite, dirty, recorder, took, tell, reach, heard } = binder
  const { now = () => performance.now(), wall = Date.now } = binder
  const { turns, backoff } = { ...ordinary, ...binder }
  const ending = new AbortController()
  const writing: Writing = { api, mayWrite, signal: ending.signal }
  const permits = new Permits()
  const entries = new Map<Name, Entry>()
  /** When each was last looked at; the one whose turn is next comes first. */
  const order = new Map<Name, number>()
  const lanes = openLanes<void>({
    work: (name) => permits.during(namespaceOf(name as Name), () => work(name as Name)),
    failed: (name, error, waitMs) => fail(name as Name, error, waitMs),
    backoff,
    took,
  })
  let given: { readonly compiled: Pick<Compiled, 'bindings' | 'heldBindings'>; readonly authority: string } | undefined
  let leads = false
  let wishes = 0
  /** Grows with each change of what `keys`, `formerNames` and `troubles` return. */
  let changes = 0

  /**
   * An operator that begins to lead forgets what it knew: another one may have written since. It begins with what the
   * statuses say.
   */
  function turnOver(): void {
    leads = !leads
    changes++
    entries.clear()
    order.clear()
    if (leads) takeUp()
  }

  function takeUp(): void {
    if (given === undefined) return
    const { compiled, authority } = given
    letGo(compiled)
    for (const [name, binding] of compiled.bindings) {
      const entry = entries.get(name)
      const declared = world.declaredAs(entry?.ref ?? `RelayCredential ${name}`)
      if (declared === undefined || isSettled(entry, declared, binding, authority)) continue
      wish(name, declared, owedTo(name, declared, binding, authority))
    }
  }

  /**
   * Takes note of credentials that are owed nothing now: one that is held keeps what it has, and the others are forgotten.
   */
  function letGo({ bindings, heldBindings }: Pick<Compiled, 'bindings' | 'heldBindings'>): void {
    for (const [name, entry] of entries) {
      if (bindings.has(name)) continue
      if (heldBindings.has(name)) entry.owed = undefined
      else forget(name)
    }
  }

  function forget(name: Name): void {
    changes++
    entries.delete(name)
    order.delete(name)
  }

  function wish(name: Name, declared: DeclaredObject, owed: Owed): void {
    const before = entries.get(name)
    const entry = before?.uid === declared.uid ? before : entryOf(declared, owed)
    const isNew = entry !== before || owe(entry, owed)
    changes++
    if (isNew) entry.key = String(++wishes)
    entries.set(name, entry)
    if (entry !== before) look(name, entry.settled === undefined ? now() : Number.NEGATIVE_INFINITY)
    if (entry.settled !== entry.owed) lanes.give(name, undefined, entry.key)
  }

  /** Puts it behind all others in the order of looks. */
  function look(name: Name, at: number): void {
    order.delete(name)
    order.set(name, at)
  }

  /** Work of a lane, which may have waited while all of it changed: only what is in the entry now counts. */
  async function work(name: Name): Promise<void> {
    const entry = entries.get(name)
    const owed = entry?.owed
    if (entry === undefined || owed === undefined || (entry.settled === owed && !entry.isDue)) return
    if (!mayWrite()) throw new Deposed(`RelayCredential ${name} is for another operator to bind`)
    // Until it is written, it is not known what the Secret is.
    if (entry.settled !== owed) entry.settled = undefined
    await settle(name, entry, owed)
  }

  async function settle(name: Name, entry: Entry, owed: Owed): Promise<void> {
    const facts = factsOf(name, entry, owed)
    const former = await heldByFormer(entry, owed)
    const wanted = { ...wantedOf(entry, facts), former: activeIn(entry, facts, former) }
    const ensured = await ensureBinding(owed, wanted, expectsNone(entry), writing)
    if (ensured.is === 'leaving') throw new Leaving(`Secret ${owed.binding.secretName} is still being deleted`)
    // It was forgotten meanwhile, or another credential has its name.
    if (entries.get(name) !== entry) return
    const { trouble } = entry
    const before = {
      keys: knownKeys(entry),
      isRenamed: entry.formerNames.length > 0,
      formerSecret: former?.secret,
      facts,
    }
    conclude(name, entry, owed, conclusionOf(ensured, owed, before))
    if (entry.trouble !== undefined && entry.trouble.message !== trouble?.message) tell?.(name, entry.trouble.message)
    // It may have been renamed meanwhile: then this one holds the password that the next one is to have.
    const isNewest = owed.binding.secretName === entry.secretName
    if (isNewest) entry.wasSeen = true
    if (isNewest && ensured.is === 'ours') await removeFormer(entry, owed)
    entry.settled = owed
    entry.isDue = false
    if (entries.get(name) === entry) look(name, now())
  }

  function factsOf(name: Name, { made }: Entry, { binding }: Owed): Omit<KeyFacts, 'keys' | 'secret'> {
    return {
      rotation: binding.rotation,
      atHand: made?.id,
      isReached: made !== undefined && reach(binding.fleet, name, made.id),
      heard: heard(binding.fleet, name),
      now: wall(),
    }
  }

  function conclude(name: Name, entry: Entry, owed: Owed, { keys, act, at, trouble, occasions }: Conclusion): void {
    entry.at = at
    if (act === 'make') makeKey(name, entry, owed, keys)
    else note(entry, keys, trouble)
    if (pendingOf(entry.keys?.keys ?? [])?.id !== entry.made?.id) entry.made = undefined
    for (const occasion of occasions) recorder?.(occasion)
  }

  /** Makes a key. Relays have to know it first: the Secret gets it only when all of them do. */
  function makeKey(name: Name, entry: Entry, owed: Owed, { username, keys }: BindingKeys): void {
    const password = newPassword()
    const key = keyOf(password)
    const { rotation } = owed.binding
    entry.made = { id: key.id, password }
    note(entry, { username, keys: withPending(keys, key, rotation, wall()) }, undefined)
    entry.at = momentOf(name, entry, owed)
  }

  /**
   * When the keys are to be looked at next, where only time has passed: the Secret is taken to hold what it should.
   * Milliseconds since the epoch.
   */
  function momentOf(name: Name, entry: Entry, owed: Owed): number {
    const keys = knownKeys(entry)?.keys ?? []
    const facts = factsOf(name, entry, owed)
    const active = activeOf(stamped(keys, facts.now))
    // Without an active key only a look can tell what there is, and each Secret has its turn.
    if (active === undefined) return Number.POSITIVE_INFINITY
    const { act, retired, at } = nextKeys({ ...facts, keys, secret: active })
    const isForgotten = pendingOf(keys) !== undefined && entry.made === undefined
    return act === 'rest' && retired.length === 0 && !isForgotten ? at : facts.now
  }

  /** Has a lane look at each credential whose keys are due; what fails there the lane tries again. */
  function lookAtKeys(): void {
    const time = wall()
    for (const [name, entry] of entries) {
      const { owed } = entry
      if (owed === undefined || owed !== entry.settled || !isKeyDue(name, entry, owed, time)) continue
      entry.at = time + againMs
      entry.isDue = true
      lanes.give(name, undefined, entry.key)
    }
  }

  function isKeyDue(name: Name, entry: Entry, owed: Owed, time: number): boolean {
    const { made, trouble } = entry
    if (made !== undefined && trouble === undefined && reach(owed.binding.fleet, name, made.id)) return true
    if (entry.at <= time) entry.at = momentOf(name, entry, owed)
    return entry.at <= time
  }

  async function heldByFormer({ formerNames }: Entry, owed: Owed): Promise<Former> {
    for (const formerName of formerNames) {
      const held = await heldUnder(formerName, owed, writing)
      if (held !== undefined) return held
    }
    return undefined
  }

  async function removeFormer(entry: Entry, { owner }: Owed): Promise<void> {
    for (const formerName of entry.formerNames.filter((n) => n !== entry.secretName)) {
      await removeBinding(formerName, owner, writing)
      entry.formerNames = entry.formerNames.filter((n) => n !== formerName)
      changes++
      // Up to now the status named that Secret.
      dirty.mark()
    }
  }

  function note(entry: Entry, keys: BindingKeys | undefined, trouble: Condition | undefined): void {
    const before = [knownKeys(entry)?.keys ?? [], entry.trouble]
    // Equal keys stay the same object, so that what was compiled of them still counts.
    if (keys === undefined || !isDeepStrictEqual(keys, entry.keys)) entry.keys = keys
    entry.trouble = trouble
    changes++
    if (!isDeepStrictEqual(before, [knownKeys(entry)?.keys ?? [], trouble])) dirty.mark()
  }

  function fail(name: Name, error: unknown, waitMs: number): void {
    const entry = entries.get(name)
    if (entry?.owed === undefined || error instanceof Deposed || ending.signal.aborted) return
    tell?.(name, whyOf(error))
    const trouble = troubleOf(error, entry.owed, waitMs)
    if (trouble !== undefined) note(entry, entry.keys, trouble)
  }

  function takeTurn(): void {
    const [next] = order
    if (next === undefined || now() - next[1] < turns.everyMs) return
    const [name] = next
    look(name, now())
    const entry = entries.get(name)
    if (entry?.owed === undefined) return
    entry.isDue = true
    lanes.give(name, undefined, entry.key)
  }

  /** A map of what `part` returns for the entries, without undefined; the same map until an entry changes. */
  function each<T>(part: (entry: Entry) => T | undefined): () => ReadonlyMap<Name, T> {
    let last: { readonly at: number; readonly is: ReadonlyMap<Name, T> } | undefined
    return () => {
      if (last?.at === changes) return last.is
      const found = new Map<Name, T>()
      for (const [name, entry] of entries) {
        const value = part(entry)
        if (value !== undefined) found.set(name, value)
      }
      last = { at: changes, is: found }
      return found
    }
  }

  return {
    give(compiled, authority) {
      given = { compiled, authority }
      if (mayWrite() !== leads) turnOver()
      else if (leads) takeUp()
    },
    keys: each((entry) => entry.keys),
    formerNames: each((entry) => entry.formerNames[0]),
    troubles: each((entry) => entry.trouble),
    async run(signal) {
      signal.addEventListener('abort', () => ending.abort(), { once: true })
      while (!signal.aborted) {
        await rest(turns.pauseMs, signal)
        if (mayWrite() !== leads) turnOver()
        takeTurn()
        if (leads) lookAtKeys()
      }
      lanes.close()
      await lanes.rest(restMs)
    },
  }
}

type Former = Awaited<ReturnType<typeof heldUnder>>

/** The password of the Secret under its former name, where it is that of the active key: relays accept it. */
const activeIn = (entry: Entry, { now }: Pick<KeyFacts, 'now'>, former: Former): string | undefined =>
  former?.secret.verifier === activeOf(stamped(knownKeys(entry)?.keys ?? [], now))?.verifier
    ? former?.password
    : undefined

const wantedOf = (entry: Entry, { isReached, now }: Pick<KeyFacts, 'isReached' | 'now'>): Wanted => ({
  password: isReached ? entry.made?.password : undefined,
  replaces: activeOf(stamped(knownKeys(entry)?.keys ?? [], now))?.id,
})

/** Whether nothing is left to do and the same is owed: the usual case, which has to be cheap for ten thousand credentials. */
const isSettled = (entry: Entry | undefined, { uid }: DeclaredObject, binding: Binding, authority: string): boolean =>
  entry?.uid === uid &&
  entry.settled !== undefined &&
  entry.settled === entry.owed &&
  entry.owed.binding === binding &&
  entry.owed.authority === authorityFor(binding, authority)

// Where the operator issues no certificate, its authority is not in the Secret.
const authorityFor = ({ issuedByOperator }: Binding, authority: string): string => (issuedByOperator ? authority : '')

const owedTo = (name: Name, { uid }: DeclaredObject, binding: Binding, authority: string): Owed => ({
  binding,
  authority: authorityFor(binding, authority),
  owner: credentialOwner({ ...splitName(name), uid }),
})

/** The condition for an error; undefined for one that passes by itself. */
function troubleOf(error: unknown, owed: Owed, waitMs: number): Condition | undefined {
  if (error instanceof Leaving) return waitMs < patienceMs ? undefined : bindingTroubles.leaving(owed)
  if (!lasts(error, waitMs)) return undefined
  return bindingTroubles.refused(owed, error instanceof ApiError ? error.message : String(error))
}
