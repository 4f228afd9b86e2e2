/**
 * Whether the spool takes mail: told once when it stops, once more where it then stays so for a reason of the other kind, and once
 * when it goes on; meanwhile, each second, an attempt to mend it.
 */
import type { Events } from '../events.ts'
import { spoolError } from './disk-error.ts'
import type { SpoolError } from './spool.ts'

const tryAgainMs = 1000

type Parts = {
  readonly events: Pick<Events, 'spoolFault' | 'spoolRecovered'>
  /** Throws as long as the spool cannot take mail. */
  readonly mend: () => Promise<void>
  readonly tryAgainMs?: number | undefined
}

export class Fault {
  readonly #parts: Parts
  #error: SpoolError | undefined
  /** Of the reasons since it stopped: a disk may say in turns that it is full and that it fails. */
  readonly #told = new Set<SpoolError['kind']>()
  #silence: string | undefined
  #timer: NodeJS.Timeout | undefined
  #trying: Promise<void> | undefined
  #stopped = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get error(): SpoolError | undefined {
    return this.#error
  }

  /** Why nothing is taken now, in words. */
  get why(): string | undefined {
    return this.#error?.message ?? this.#silence
  }

  /** `why`: a write has been waiting for the disk for long, which only waiting mends; undefined once it is done. */
  silent(why: string | undefined): void {
    this.#silence = why
    if (why !== undefined) this.#parts.events.spoolFault(why)
    else if (this.#error === undefined) this.#parts.events.spoolRecovered()
  }

  raise(error: SpoolError): void {
    if (this.#stopped) return
    if (this.#error === undefined) this.#tell(error)
    this.#error = error
    this.#timer ??= setTimeout(() => {
      this.#trying = this.#try()
    }, this.#parts.tryAgainMs ?? tryAgainMs).unref()
  }

  /** When it resolves, nothing is being mended any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#trying
  }

  #tell({ kind, message }: SpoolError): void {
    this.#told.add(kind)
    this.#parts.events.spoolFault(message)
  }

  async #try(): Promise<void> {
    const tried = this.#error
    const trouble = await this.#parts.mend().then(
      () => undefined,
      (error: unknown) => spoolError('the spool could not be mended', error),
    )
    this.#timer = undefined
    if (this.#error === undefined) return
    if (this.#error !== tried) return this.raise(this.#error)
    // While the kind stays the same the first error is kept. A disk that failed and now is only full takes reports, and says so.
    if (trouble !== undefined) {
      const kept = trouble.kind === tried?.kind ? tried : trouble
      if (!this.#told.has(kept.kind) && !this.#stopped) this.#tell(kept)
      return this.raise(kept)
    }
    this.#error = undefined
    this.#told.clear()
    if (this.#silence === undefined) this.#parts.events.spoolRecovered()
  }
}
