/** The keys that sign as each SenderDomain: its Secret is looked at in turns, and what it holds goes to the relays. */
import { setTimeout as wait } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { signingKeyFile } from '../../compile/signing.ts'
import type { Name } from '../../compile/snapshot.ts'
import type { Dirty } from '../../dirty.ts'
import type { DomainKeys } from '../../lifecycle/domain-keys.ts'
import { type ProvidedKeys, providedKeys } from '../../lifecycle/provided-keys.ts'
import type { Api } from '../api/api.ts'
import type { Backoff } from '../api/backoff.ts'
import type { DeclaredObject } from '../watch/world.ts'
import { openLanes } from '../write/lanes.ts'
import { Permits } from '../write/permits.ts'
import { type DomainEntry, entriesOf } from './domain-entry.ts'
import { givenSecret } from './given-secret.ts'

export type DomainKeyring = {
  /** What is declared from now on; returns at once. */
  give(declared: readonly DeclaredObject[]): void
  /** By SenderDomain, of all that have keys; of one that nobody has looked at yet, what its status tells. */
  known(): ReadonlyMap<Name, DomainKeys>
  /**
   * A private key, PEM, by the file that relays find it in; undefined where it is not at hand. It is read when it is
   * asked for and not remembered.
   * @throws ApiError for trouble that passes
   */
  pem(senderDomain: Name, keyFile: string, signal: AbortSignal): Promise<string | undefined>
  run(signal: AbortSignal): Promise<void>
}

export type Keyholder = {
  readonly api: Api
  /** Marked when there are other keys than before. */
  readonly dirty: Pick<Dirty, 'mark'>
  /** The wall clock. */
  readonly now?: () => number
  readonly turns?: { readonly everyMs: number; readonly pauseMs: number }
  readonly backoff?: Backoff
  readonly took?: (ms: number) => void
  /** What is not as it should be, and is tried again. */
  readonly tell?: (name: Name, why: string) => void
}

const ordinaryTurns = { everyMs: 30_000, pauseMs: 200 }
const ordinaryBackoff: Backoff = { firstMs: 500, longestMs: 120_000 }
/** What is under way when everything ends is given up; it ends soon. */
const restMs = 5000

export function openDomainKeys(keyholder: Keyholder): DomainKeyring {
  const { api, dirty, took, tell, now = Date.now, turns = ordinaryTurns, backoff = ordinaryBackoff } = keyholder
  const ending = new AbortController()
  const permits = new Permits()
  /** When each is to be looked at, by a clock that only goes on; the next one first. */
  const order = new Map<Name, number>()
  const lanes = openLanes<void>({
    work: (name) => permits.during(entries.get(name as Name)?.namespace ?? '', () => look(name as Name)),
    failed: (name, error) => {
      if (!ending.signal.aborted) tell?.(name as Name, error instanceof Error ? error.message : String(error))
    },
    backoff,
    took,
  })
  let entries: ReadonlyMap<Name, DomainEntry> = new Map()

  function lookNow(name: Name): void {
    order.delete(name)
    order.set(name, performance.now() + turns.everyMs)
    lanes.give(name, undefined, 'look')
  }

  async function look(name: Name): Promise<void> {
    const entry = entries.get(name)
    if (entry === undefined) return
    const found = await provided(entry, ending.signal)
    if (found === undefined || entries.get(name) !== entry) return
    const { pems: _, ...known } = found
    if (isDeepStrictEqual(known, entry.known)) return
    entry.known = known
    dirty.mark()
  }

  /** Undefined where none are provided. */
  async function provided({ dkim, domain, namespace, known }: DomainEntry, signal: AbortSignal) {
    const name = dkim.secretRef?.name
    if (name === undefined) return undefined
    const secret = await givenSecret(api, { namespace, name }, signal)
    return providedKeys(domain, `${namespace}/${name}`, secret, known.keys, now())
  }

  return {
    give(declared) {
      const before = entries
      entries = entriesOf(declared, before)
      for (const name of order.keys()) if (!entries.has(name)) order.delete(name)
      for (const [name, entry] of entries) if (before.get(name) !== entry) lookNow(name)
    },
    known: () => new Map([...entries].map(([name, { known }]) => [name, known])),
    async pem(senderDomain, keyFile, signal) {
      const entry = entries.get(senderDomain)
      const found = entry && (await provided(entry, signal))
      return found && pemOf(found, senderDomain, keyFile)
    },
    async run(signal) {
      signal.addEventListener('abort', () => ending.abort(), { once: true })
      while (!signal.aborted) {
        await wait(turns.pauseMs, undefined, { signal }).catch(() => undefined)
        const [next] = order
        if (next !== undefined && next[1] <= performance.now() && !signal.aborted) lookNow(next[0])
      }
      lanes.close()
      await lanes.rest(restMs)
    },
  }
}

function pemOf({ sign = [], pems }: ProvidedKeys, senderDomain: Name, keyFile: string): string | undefined {
  const key = sign.find((k) => signingKeyFile(senderDomain, k) === keyFile)
  return key && pems.get(key.selector)
}
