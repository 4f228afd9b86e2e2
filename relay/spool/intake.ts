/** Whether a message is taken now: what is known of a fault, and the room of the volume. */
import type { Allotment } from './allotment.ts'
import { spoolError } from './disk-error.ts'
import type { Fault } from './fault.ts'
import type { FreeSpace } from './free-space.ts'
import { SpoolError } from './spool.ts'

type Parts = {
  readonly directory: string
  readonly fault: Fault
  readonly space: Pick<FreeSpace, 'refresh'>
  readonly room: Allotment
}

export class Intake {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Why nothing is taken now, in words, or undefined. */
  get fault(): string | undefined {
    if (this.#mayBeShort()) void this.#noteShortage()
    return this.#parts.fault.why
  }

  get isFull(): boolean {
    return this.#parts.fault.error?.kind === 'full'
  }

  /**
   * Before anything of a message is taken; undefined: it may be, and nobody has to wait.
   * @throws SpoolError where it may not, at once or by the promise
   */
  check(isReport: boolean): Promise<void> | undefined {
    if (this.#mayBeShort()) return this.#noteShortage().then(() => this.#mustTake(isReport))
    this.#mustTake(isReport)
    return undefined
  }

  /** Before so many octets of a message are written. @throws SpoolError where there is no room for them */
  mustFit(isReport: boolean, bytes: number): void {
    const { room } = this.#parts
    if (!(isReport ? room.takesReport(bytes) : room.takesMail(bytes))) throw this.#full(room.told)
  }

  /** Asks the volume. @throws SpoolError where it has not room enough: after a lack of room, more than where mail stops */
  async mustHaveRoomAgain(): Promise<void> {
    const { space, room } = this.#parts
    await space.refresh()
    if (this.isFull ? !room.ample : room.shortage !== undefined) throw this.#full(room.told)
  }

  /** Takes nothing from now on, and returns what the caller is told. */
  failed(what: string, cause: unknown): SpoolError {
    const error = spoolError(`spool ${this.#parts.directory}: ${what}`, cause)
    this.#parts.fault.raise(error)
    return error
  }

  #mustTake(isReport: boolean): void {
    if (isReport) this.mustFit(isReport, 0)
    const { error } = this.#parts.fault
    if (error !== undefined && !(isReport && error.kind === 'full'))
      throw new SpoolError(error.kind, error.message, error)
  }

  #mayBeShort(): boolean {
    return !this.#parts.room.ample && this.#parts.fault.error === undefined
  }

  // Near the limit the volume is asked each time: our own count does not know what was deleted or rounded up since the last answer.
  async #noteShortage(): Promise<void> {
    const { space, room, fault } = this.#parts
    await space.refresh().catch(() => undefined)
    const { shortage } = room
    if (shortage !== undefined) fault.raise(this.#full(shortage))
  }

  #full(what: string): SpoolError {
    return new SpoolError('full', `spool ${this.#parts.directory}: ${what}`)
  }
}
