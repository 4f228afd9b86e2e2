/** The machine that the relay of a story runs on: its disk and its volume stay, while processes come, are killed, and are heard no more. */
import type { Delivery } from '../../../relay/delivery/delivery.ts'
import type { Events } from '../../../relay/events.ts'
import { JournalSpool } from '../../../relay/spool/journal-spool.ts'
import { LosingDisk } from '../spool/losing-disk.ts'
import type { FakeHours } from './fake-hours.ts'
import { IllDisk, type Illness, isWell, isWhole, segmentBytes, well } from './ill-disk.ts'

/** What a start may take, beside some two hundred calls to a disk that is slow with each. */
const startMs = 60_000
/** The octets of a volume that is never full, unless somebody else fills it. */
export const ample = 100_000_000

/** One life of the relay: all that ends with it. */
export type Process = { readonly ill: IllDisk; readonly spool: JournalSpool; readonly delivery: Delivery }

export type Listener = {
  /** Another process begins. */
  readonly begins?: () => void
  /** Of the processes that there have been, only the last one is heard. */
  readonly hear: (fact: keyof Events, told: readonly unknown[]) => void
  /** What may not be. */
  readonly wrong: (what: string) => void
}

export class Machine {
  readonly volume: { all: number; others: number }
  losing = new LosingDisk()
  illness: Illness = well
  /** There was no fault yet that may have left half of anything. */
  isWhole = true
  /** The disk was ill, full or slow since the process began. */
  hadBadDisk = false
  /** The number of processes that there have been. */
  processes = 0
  readonly #dice: () => number
  #ill: IllDisk | undefined
  /** Killed processes of which something is left that still works. */
  #remains = 0

  constructor(dice: () => number, octets: number) {
    this.#dice = dice
    this.volume = { all: octets, others: 0 }
    this.losing.octets = this.volume
  }

  /** What was done to the disk of this process. */
  get deeds(): number {
    return this.#ill?.losing.deeds.length ?? 0
  }

  /** Something is under way that takes many turns without a deed. */
  get isBusy(): boolean {
    return (this.#ill?.underWay ?? 0) + this.#remains > 0
  }

  /** The disk takes all at once. */
  get isGood(): boolean {
    const { all, others } = this.volume
    return isWell(this.illness) && this.illness.latencyMs === 0 && all === ample && others === 0
  }

  setDisk(is: Illness, others = this.volume.others): void {
    this.illness = is
    this.volume.others = others
    if (!isWhole(is)) this.isWhole = false
    if (!this.isGood) this.hadBadDisk = true
    this.#ill?.set(is)
  }

  /** A start that fails is repeated, and in the end on a disk that works. */
  async open(time: FakeHours, listener: Listener) {
    for (let tries = 0; ; tries += 1) {
      const events = this.#heardBy(listener)
      if (tries === 3) this.setDisk(well)
      const ill = new IllDisk(this.losing, this.#dice)
      ill.set(this.illness)
      this.#ill = ill
      let result: unknown
      const parts = { directory: '/spool', events, now: Date.now, disk: ill.disk, segmentBytes, closed: () => {} }
      const opening = JournalSpool.open(parts).catch((error: unknown) => error)
      void opening.then((what) => {
        result = what
      })
      await time.wait(startMs + 200 * this.illness.latencyMs, () => result !== undefined)
      if (result instanceof JournalSpool) {
        ill.isStarting = false
        this.hadBadDisk = !this.isGood
        return { ill, spool: result, events }
      }
      const mayFail = !isWell(this.illness) || this.volume.others > 0
      if (!mayFail) listener.wrong(`a relay on a disk that works does not start: ${result}`)
      if (tries > 3) throw result
      // Nothing is left of a process that is killed while its start hangs.
      void opening.then((late) => (late instanceof JournalSpool ? late.close() : undefined))
      ill.set(well)
      this.losing = this.losing.killedAfter(this.losing.deeds.length)
    }
  }

  #heardBy({ begins, hear }: Listener): Events {
    const own = ++this.processes
    begins?.()
    return new Proxy({} as Events, {
      get:
        (_, fact) =>
        (...told: unknown[]) => {
          if (own === this.processes) hear(fact as keyof Events, told)
        },
    })
  }

  /** The disk as it is left at this moment is that of the next start; what is still done on this one does not count. */
  cut(how: 'kill' | 'lose'): void {
    this.processes += 1
    const { deeds } = this.losing
    const luck = () => (['none', 'all', 'some'] as const)[Math.floor(this.#dice() * 3)] ?? 'some'
    const dice = this.#dice
    if (how === 'kill') this.losing = this.losing.killedAfter(deeds.length)
    else {
      this.losing = new LosingDisk(this.losing.after(deeds.length, { data: luck(), names: luck(), dice }))
      this.losing.octets = this.volume
    }
  }

  /** So that what was cut does nothing more: nobody hears of it, and its disk is of no use. */
  bury({ ill, delivery, spool }: Process, submitting: readonly Promise<void>[]): void {
    ill.set(well)
    this.#remains += 1
    void Promise.all([delivery.close(0), ...submitting])
      .then(() => spool.close())
      .then(() => {
        this.#remains -= 1
      })
  }
}
