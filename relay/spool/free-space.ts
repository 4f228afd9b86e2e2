/** How much room the volume has, asked at most once a second; what is written meanwhile is counted off. */

export type Room = { readonly free: number; readonly total: number }

const askAgainMs = 1000
/** Kept for the records of delivery: a full spool must be able to drain. */
const reserveShare = 0.05
const reserveMost = 32 * 1024 * 1024

export class FreeSpace {
  readonly #ask: () => Promise<Room>
  readonly #now: () => number
  #room: Room
  #asked: number
  #asking: Promise<void> | undefined

  private constructor(ask: () => Promise<Room>, now: () => number, room: Room) {
    this.#ask = ask
    this.#now = now
    this.#room = room
    this.#asked = now()
  }

  /** `now` counts milliseconds and never steps back. */
  static async of(ask: () => Promise<Room>, now: () => number = () => performance.now()): Promise<FreeSpace> {
    return new FreeSpace(ask, now, await ask())
  }

  get free(): number {
    if (this.#now() - this.#asked >= askAgainMs) void this.refresh().catch(() => undefined)
    return this.#room.free
  }

  get total(): number {
    return this.#room.total
  }

  /** Why no mail is taken now, or undefined. */
  get shortage(): string | undefined {
    const kept = this.#reserve
    return this.free >= kept ? undefined : `disk full: ${this.free} octets are free, ${kept} are kept for delivery`
  }

  /** Taking mail again needs twice what stopping left, so that it does not start and stop with each message. */
  get ample(): boolean {
    return this.free >= 2 * this.#reserve
  }

  took(bytes: number): void {
    this.#room = { ...this.#room, free: Math.max(0, this.#room.free - bytes) }
  }

  refresh(): Promise<void> {
    this.#asking ??= this.#measure().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  get #reserve(): number {
    return Math.min(reserveMost, Math.floor(this.#room.total * reserveShare))
  }

  async #measure(): Promise<void> {
    this.#asked = this.#now()
    this.#room = await this.#ask()
  }
}
