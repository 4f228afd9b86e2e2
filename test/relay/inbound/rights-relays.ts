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

/** Longer than the pause after any trouble with the store, and than the time from one beat to the next. */
const pastEveryPauseMs = 10_000

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

  /** Each relay is connected and has told the store all that it has counted; or knows that the store is away. */
  async function steady(): Promise<void> {
    if (loaded.config.sharing?.store === undefined) return
    if (store.isAway)
      return inTurns('the store is away', () => all.every(({ fleet }) => fleet.status()?.state === 'Away'))
    const isTold = ({ fleet, own }: (typeof all)[number], index: number): boolean =>
      fleet.answers &&
      own.inUse().every((name) => {
        const { day, own: counted } = own.standing(name)
        return day !== store.day || store.known(`relay-${index}`, name) === counted
      })
    await inTurns('the store knows all', () => all.every(isTold))
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
