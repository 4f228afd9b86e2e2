/** One contestant of the full bench: kept running, started afresh after a failure, with its numbers and failures noted. */
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Sink, startSink } from '../test/local/receiver.ts'
import { demandClosed } from './closed.ts'
import type { Contender, Setting } from './contender.ts'
import type { Start } from './contestants.ts'
import type { Entry } from './results.ts'

type Running = { readonly contender: Contender; readonly sink: Sink }

/** One measurement may take this long, with all that it waits for. */
const deadlineMs = 240_000

export class Entrant {
  readonly entry: Entry
  readonly start: Start
  readonly #place: { readonly folder: string; readonly certificates: Setting['certificates'] }
  #running: Running | undefined

  constructor(entry: Entry, start: Start, place: { folder: string; certificates: Setting['certificates'] }) {
    this.entry = entry
    this.start = start
    this.#place = place
  }

  /**
   * Runs one measurement. If it fails, that is printed and noted, and the next one gets a fresh server; if the server does not
   * start, the contestant is skipped from then on.
   */
  async measure(what: string, work: (running: Running) => Promise<void>): Promise<void> {
    if (this.entry.skipped !== undefined) return
    try {
      this.#running ??= await this.#open()
    } catch (error) {
      this.entry.skipped = `it did not start: ${(error as Error).message}`
      shout(`${this.entry.name} IS SKIPPED: ${this.entry.skipped}`)
      return
    }
    const running = this.#running
    if (!(await this.attempt(what, () => within(work(running), what)))) await this.close()
  }

  /** Returns false if `work` failed, after that was printed and noted. */
  async attempt(what: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      this.entry.failures.push(`${what}: ${(error as Error).message}`)
      shout(`${this.entry.name} FAILED, ${what}: ${(error as Error).message}`)
      return false
    }
  }

  newPlace(): { folder: string; certificates: Setting['certificates'] } {
    return { ...this.#place, folder: mkdtempSync(join(this.#place.folder, `${this.entry.name}-`)) }
  }

  async #open(): Promise<Running> {
    const sink = await startSink()
    try {
      const contender = await this.start({ ...this.newPlace(), sink })
      // Set before the check, so that `close` ends the server if the check fails.
      this.#running = { contender, sink }
      await within(demandClosed(contender.access), 'a look whether it is closed', 30_000)
      return this.#running
    } catch (error) {
      if (this.#running === undefined) await sink.stop()
      await this.close()
      throw error
    }
  }

  async close(): Promise<void> {
    const running = this.#running
    this.#running = undefined
    await running?.contender.stop().catch((error: Error) => shout(`${this.entry.name} did not end: ${error.message}`))
    await running?.sink.stop()
  }
}

export const shout = (text: string): void => console.error(`\n*** ${text} ***\n`)

const within = (work: Promise<void>, what: string, ms = deadlineMs): Promise<void> =>
  Promise.race([
    work,
    sleep(ms, undefined, { ref: false }).then(() => {
      throw new Error(`${what}: not within ${ms / 1000} s`)
    }),
  ])
