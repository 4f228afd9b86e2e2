/** Writes the statuses of local mode: asks the relays until they report what was compiled, and goes on asking afterwards. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Compiled } from '../compile/compiled.ts'
import type { Name } from '../compile/snapshot.ts'
import type { Look, Verifier } from '../dns/verifier.ts'
import { tells } from '../key-told.ts'
import { KnownUses } from '../known-uses.ts'
import type { Heard } from '../lifecycle/keys.ts'
import { spoolsIn } from '../spools.ts'
import type { Standing } from '../standing.ts'
import { diskTrouble } from './disk-trouble.ts'
import type { LocalFleet } from './fleet.ts'
import { observedStatuses, type Statuses, unreadStatuses } from './observed-statuses.ts'
import { readStatuses, writeStatuses } from './status-file.ts'
import { type Tell, tellChanges } from './telling.ts'

/** How long a relay may take to load a new configuration before a condition says that it has not. */
const patienceMs = 3000
const pollMs = 20
/** How often relays are asked after that: how soon a later failure is noticed. */
const refreshMs = 2000

type Verifying = Pick<Verifier, 'give' | 'look'>
type Reporting = { readonly newer: Promise<void>; readonly keep: boolean; readonly unread: readonly string[] }

export class Reporter {
  readonly #file: string
  readonly #fleets: ReadonlyMap<Name, LocalFleet>
  readonly #verifier: Verifying
  readonly #tell: Tell
  readonly #tellChanges: (statuses: Statuses) => void
  #statuses: Statuses
  /** What the relays have said of the configurations of which `#statuses` tells; none is of a fleet that has not settled yet. */
  #standings: ReadonlyMap<Name, Standing> = new Map()
  readonly #uses = new KnownUses((name) => this.#statuses.get(`RelayCredential ${name}`))
  #kept: Statuses = new Map()
  #written = ''
  /** Why the file could not be written, so that it is told once; empty after a write. */
  #trouble = ''
  /** Whether every relay has been heard once. Until then nothing is written, as the file still has what an earlier run said. */
  #heardAll = false
  #refreshing: NodeJS.Timeout | undefined

  constructor(file: string, fleets: ReadonlyMap<Name, LocalFleet>, verifier: Verifying, tell: Tell) {
    this.#file = file
    this.#fleets = fleets
    this.#verifier = verifier
    this.#tell = tell
    this.#tellChanges = tellChanges(tell)
    this.#statuses = readStatuses(file)
  }

  /**
   * Resolves when every relay has settled, patience is over, or `newer` resolves. With `keep`, objects that were not compiled
   * keep their status, as they may be in one of the `unread` files.
   */
  async report(compiled: Compiled, { newer, keep, unread }: Reporting): Promise<void> {
    this.pause()
    this.#verifier.give(compiled.domainChecks)
    this.#kept = keep ? unreadStatuses(this.#statuses, compiled, unread, new Date().toISOString()) : new Map()
    const deadline = performance.now() + patienceMs
    let interrupted = false
    void newer.then(() => {
      interrupted = true
    })
    const settled = new Map<Name, Standing>()
    for (;;) {
      const late = performance.now() > deadline
      const standings = await this.#observe(
        compiled,
        [...this.#fleets.keys()].filter((name) => !settled.has(name)),
      )
      for (const [name, standing] of standings) if (standing.settled || late) settled.set(name, standing)
      this.#heardAll ||= settled.size === this.#fleets.size
      if (this.#heardAll) this.#write(compiled, settled)
      if (settled.size === this.#fleets.size || interrupted) break
      await wait(pollMs)
    }
    this.#refreshLater(compiled)
  }

  /**
   * Whether the status says that this key of a RelayCredential is recorded, and that the relay accepts it. While a relay has not
   * reported, its conditions stay as they were, and say nothing of a key that is new.
   */
  isProgrammedWith(fleet: Name, name: Name, key: string): boolean {
    if (this.#standings.get(fleet)?.programmed.status !== 'True') return false
    return tells(this.#statuses.get(`RelayCredential ${name}`) ?? {}, key) === 'programmed'
  }

  /** What is known of the use of a credential's keys. */
  heard(fleet: Name, name: Name): Heard {
    return this.#uses.heard(fleet, name)
  }

  /** Nothing is written until the next report. */
  pause(): void {
    clearTimeout(this.#refreshing)
    this.#refreshing = undefined
  }

  #refreshLater(compiled: Compiled): void {
    const turn = setTimeout(async () => {
      const standings = await this.#observe(compiled, [...this.#fleets.keys()])
      // A report has begun meanwhile, which has newer facts.
      if (this.#refreshing !== turn) return
      this.#write(compiled, standings)
      this.#refreshLater(compiled)
    }, refreshMs)
    this.#refreshing = turn
  }

  #write(compiled: Compiled, standings: ReadonlyMap<Name, Standing>): void {
    const look = (domain: Name): Look | undefined => this.#verifier.look(domain)
    const heard = (fleet: Name, name: Name): Heard => this.heard(fleet, name)
    const observed = observedStatuses(compiled, standings, this.#statuses, new Date().toISOString(), look, heard)
    this.#statuses = new Map([...this.#kept, ...observed])
    this.#standings = standings
    const text = JSON.stringify([...this.#statuses])
    if (text === this.#written) return
    this.#tellChanges(this.#statuses)
    try {
      writeStatuses(this.#file, this.#statuses)
      this.#written = text
      this.#trouble = ''
    } catch (error) {
      const trouble = diskTrouble(error)
      if (trouble !== this.#trouble) this.#tell({ about: 'trouble', text: `${this.#file}: ${trouble}` })
      this.#trouble = trouble
    }
  }

  async #observe({ fleets }: Compiled, names: readonly Name[]): Promise<ReadonlyMap<Name, Standing>> {
    const askedAt = Date.now()
    const observed = async ([name, fleet]: readonly [Name, LocalFleet]) => {
      const before = spoolsIn(this.#statuses.get(`RelayPolicy ${name}`))
      return [name, await fleet.observe(before, fleets.get(name)?.acceptedSpools ?? [])] as const
    }
    const standings = await Promise.all([...this.#fleets].filter(([name]) => names.includes(name)).map(observed))
    for (const [name, { usage, programmed }] of standings) {
      // While no relay runs, nobody can use a key, so all uses up to now are known.
      if (usage !== undefined) this.#uses.take(name, [{ askedAt, usage }], askedAt, undefined)
      else if (programmed.reason === 'Stopped') this.#uses.take(name, [], askedAt, undefined)
    }
    return new Map(standings)
  }
}
