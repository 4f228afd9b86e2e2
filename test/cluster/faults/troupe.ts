/** The operators of a walk: they come and go, die at any of their writes, and have trouble on the way to the API server. */
import type { Connection } from '../../../operator/cluster/api/connection.ts'
import type { OperatorOptions } from '../../../operator/cluster/operator-options.ts'
import type { Telling } from '../../../operator/cluster/telling.ts'
import type { Fault, Seen } from '../fault-proxy.ts'
import { isWrite, type OperatorProcess, startOperator } from '../whole/operator-process.ts'
import type { Dice } from './chance.ts'
import { inAHurry } from './in-a-hurry.ts'
import { type NamedFault, namedFaults } from './named-faults.ts'

const quickly = { ...inAHurry, terms: { leaseMs: 3000, stopMs: 2000, renewMs: 600, retryMs: 300 } }
const none = (): Fault => 'pass'

/** One entry in the order of what the operators did: won or lost the Lease, or wrote. */
type Deed = { readonly who: number; readonly did: 'won' | 'lost' | 'write' }

type Options = {
  /** The namespace of their Lease. */
  readonly namespace: string
  readonly dice: Dice
  readonly log: (what: string) => void
  readonly faults?: readonly NamedFault[]
  readonly operator?: Partial<OperatorOptions>
  /** Gives a connection the account that they act with. */
  readonly as?: (connection: Connection) => Connection
}

/** Mostly, at least one of them is alive. */
export class Troupe {
  readonly #options: Options
  readonly #deeds: Deed[] = []
  readonly told: Telling[] = []
  #alive: OperatorProcess[] = []
  #started = 0
  #fault: (request: Seen) => Fault = none

  constructor(options: Options) {
    this.#options = options
  }

  async enter(): Promise<void> {
    const who = this.#started++
    this.#options.log(`operator ${who} comes`)
    const tell = (telling: Telling): void => {
      this.told.push(telling)
      const { about, news } = telling as { about: string; news?: unknown }
      const { about: what } = (news ?? {}) as { about?: string }
      if (about === 'lease' && (what === 'won' || what === 'lost')) this.#deeds.push({ who, did: what })
    }
    const { namespace, operator: options, as } = this.#options
    const rule = (request: Seen): Fault => {
      if (isWrite(request)) this.#deeds.push({ who, did: 'write' })
      return this.#fault(request)
    }
    const operator = await startOperator(namespace, { ...quickly, ...options, tell }, rule, as)
    this.#alive.push(operator)
  }

  async step(): Promise<void> {
    const steps = [
      async () => this.#meet(this.#options.dice.of(this.#options.faults ?? namedFaults)),
      async () => this.#meet(undefined),
      () => (this.#alive.length < 2 ? this.enter() : undefined),
      async () => this.#options.dice.of(this.#alive)?.killAt(1 + this.#options.dice.below(4)),
      async () => this.#options.dice.of(this.#alive)?.kill(),
    ]
    await this.#options.dice.of(steps)()
    await this.bury()
  }

  /** Stops those that died, and starts one if none is left. */
  async bury(): Promise<void> {
    for (const operator of this.#alive.filter((o) => o.dead)) {
      this.#options.log('an operator died')
      await operator.stop()
    }
    this.#alive = this.#alive.filter((o) => !o.dead)
    if (this.#alive.length === 0) await this.enter()
  }

  async calm(): Promise<void> {
    this.#meet(undefined)
    await this.bury()
  }

  async leave(): Promise<void> {
    for (const operator of this.#alive.splice(0)) await operator.stop()
  }

  /** Writes of an operator while another one led, of which there must be none. */
  get wrongs(): readonly string[] {
    const leaders = new Set<number>()
    return this.#deeds.flatMap(({ who, did }, i) => {
      if (did === 'won') leaders.add(who)
      if (did === 'lost') leaders.delete(who)
      const others = [...leaders].filter((l) => l !== who)
      return did === 'write' && others.length > 0 ? [`deed ${i}: ${who} wrote while ${others} led`] : []
    })
  }

  #meet(fault: NamedFault | undefined): void {
    this.#options.log(fault === undefined ? 'no more faults' : `from now on ${fault.name}`)
    this.#fault = fault === undefined ? none : fault.begin()
  }
}
