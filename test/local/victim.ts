/** A relay that is killed and started again, with counts of the kills, and of how long it was up and took to start. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { inQueue } from './in-queue.ts'
import { type Relay, spawnRelay, startRelay } from './relay-process.ts'
import { until } from './until.ts'

export class Victim {
  readonly startMs: number[] = []
  upMs = 0
  kills = 0
  killsWhileStarting = 0
  readonly #folder: string
  #relay: Relay | undefined
  #since = 0

  constructor(folder: string) {
    this.#folder = folder
  }

  get relay(): Relay {
    if (this.#relay === undefined) throw new Error('the relay is down')
    return this.#relay
  }

  async start(): Promise<void> {
    const begun = performance.now()
    this.#relay = await startRelay(this.#folder)
    this.#since = performance.now()
    this.startMs.push(this.#since - begun)
  }

  /** Resolves when the queue is empty; rejects if that takes longer than `ms`. */
  async drained(ms: number): Promise<void> {
    await until('the queue is empty', async () => inQueue(await this.relay.status()) === 0, ms)
  }

  /** Ends the relay by a signal; its exit code, or null if the signal killed it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const relay = this.relay
    this.#relay = undefined
    this.upMs += performance.now() - this.#since
    if (signal === 'SIGKILL') this.kills += 1
    return relay.end(signal)
  }

  /** Starts it and kills it after so long, whether it listens or not: while it recovers its spool, it has most to lose. */
  async killWhileStarting(afterMs: number): Promise<void> {
    const child = spawnRelay(this.#folder)
    await sleep(afterMs)
    child.kill('SIGKILL')
    await once(child, 'exit')
    this.kills += 1
    this.killsWhileStarting += 1
  }

  /** Kills the relay if it still runs, for the end of a test. */
  async gone(): Promise<void> {
    if (this.#relay !== undefined) await this.end('SIGKILL')
  }
}
