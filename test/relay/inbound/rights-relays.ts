/** The relays of one fleet in a test, with a clock that it sets and one store of limits, which fails as it is told. */
import { X509Certificate } from 'node:crypto'
import { vi } from 'vitest'
import type { LoadedConfig } from '../../../relay/config.ts'
import { createSubmission } from '../../../relay/inbound/submission.ts'
import { KeyUses } from '../../../relay/keys/key-uses.ts'
import { Allowances } from '../../../relay/limits/allowances.ts'
import { FleetAllowances } from '../../../relay/limits/fleet-allowances.ts'
import { makeCertificates } from '../../certificates.ts'
import { PlainStore } from '../limits/plain-store.ts'
import { inTurns } from './in-turns.ts'
import { MemorySpool } from './memory-spool.ts'
import { clientsOfRights } from './rights-claims.ts'
import { configOf, type Pace, relays, type Shown, startsAt, storeTimeoutMs, type World } from './rights-world.ts'
import { tellingEvents } from './submission-under-test.ts'

const hosts = ['localhost', '127.0.0.1']
const make = async () => ({ first: await makeCertificates(hosts), second: await makeCertificates(hosts) })
let made: ReturnType<typeof make> | undefined
const ourCertificates = () => (made ??= make())

/** Longer than the pause after any trouble with the store. */
const pastEveryPauseMs = 10_000
/** From one beat of a relay to its next. */
const beatMs = 1_000
/** So many turns without a question: none is on its way, and no answer. */
const stillTurns = 100

export async function startFleet(world: World, pace: Pace) {
  const ours = await ourCertificates()
  const { pem } = await clientsOfRights()
  const clock = { now: startsAt }
  const monotonic = (): number => clock.now - startsAt + 1_000
  const store = await PlainStore.open(() => clock.now)
  const loadedOf = (next: World): LoadedConfig => ({
    config: configOf(next, pace, store.port),
    hash: 'sha256:test',
    files: new Map([
      ['tls.crt', ours[next.shows].cert],
      ['tls.key', ours[next.shows].key],
      ['clients.crt', next.authorities.map((one) => pem[one]).join('\n')],
    ]),
  })
  let loaded = loadedOf(world)

  function start(index: number) {
    const { events, told } = tellingEvents()
    const sharing = () => loaded.config.sharing
    const storeAnswers = (): boolean => fleet.answers
    const own: Allowances = new Allowances({ events, index, sharing, storeAnswers, wall: () => clock.now, monotonic })
    const fleet = new FleetAllowances({ own, relay: `relay-${index}`, events })
    const spool = new MemorySpool()
    const keyUses = new KeyUses({})
    const submission = createSubmission({ spool, events, allowances: fleet, keyUses, now: () => clock.now, monotonic })
    const apply = async (): Promise<void> => {
      fleet.follow(loaded)
      await submission.reconcile(loaded)
    }
    const port = (name: string): number => submission.addresses().find((one) => one.name === name)?.port ?? 0
    return { own, fleet, spool, submission, told, apply, port }
  }
  const all = Array.from({ length: relays }, (_, index) => start(index))

  /** No question is on its way to the store, and no answer from it: what it says of its day holds for as long as the clock stands still. */
  async function atRest(): Promise<void> {
    let [asked, turns] = [-1, 0]
    await inTurns('nobody asks the store', () => {
      turns = store.asked === asked ? turns + 1 : 0
      asked = store.asked
      return turns > stillTurns
    })
  }

  /** Each relay is connected and has told the store all that it has counted; or knows that the store is away. */
  async function steady(): Promise<void> {
    if (loaded.config.sharing?.store === undefined) return
    if (store.isAway)
      return inTurns('the store is away', () => all.every(({ fleet }) => fleet.status()?.state === 'Away'))
    const isTold = ({ own }: (typeof all)[number], index: number): boolean =>
      own.inUse().every((name) => {
        const { day, own: counted } = own.standing(name)
        return day !== store.day || store.known(`relay-${index}`, name) === counted
      })
    const isConnected = () => all.every(({ fleet }) => fleet.answers)
    await inTurns('each relay is connected', isConnected)
    // A relay learns by its next beat that the store has forgotten, and a beat that was under way may have been answered before.
    for (let beats = 0; !all.every(isTold); beats++) {
      if (beats === 10) throw new Error(`the store does not know all after ${beats} beats`)
      await atRest()
      if (!all.every(isTold)) vi.advanceTimersByTime(beatMs)
      await inTurns('each relay is connected', isConnected)
    }
  }

  await Promise.all(all.map(({ apply }) => apply()))
  await steady()
  return {
    clock,
    store,
    relays: all,
    ca: `${ours.first.ca}\n${ours.second.ca}`,
    shownBy: (which: Shown): string => new X509Certificate(ours[which].cert).fingerprint256,
    steady,
    atRest,
    async apply(next: World): Promise<void> {
      loaded = loadedOf(next)
      await Promise.all(all.map(({ apply }) => apply()))
    },
    /** So much time goes by that a store which is there is asked again. */
    tryAgain: () => vi.advanceTimersByTime(pastEveryPauseMs),
    /** A question that waits for its answer does so no longer. */
    runOut: () => vi.advanceTimersByTime(storeTimeoutMs),
    async close(): Promise<void> {
      await Promise.all(all.map(({ submission }) => submission.close(0)))
      await Promise.all(all.map(({ fleet }) => fleet.close()))
      await store.close()
    },
  }
}
export type Fleet = Awaited<ReturnType<typeof startFleet>>
