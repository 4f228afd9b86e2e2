/** How much room the volume has, asked at most once a second; what is written meanwhile is counted off. */
import type { Disk } from './disk.ts'
import type { Room } from './room.ts'

const askAgainMs = 1000

export class FreeSpace {
  readonly #ask: () => Promise<Room>
  readonly #now: () => number
  #room: Room
  #asked: number
  #asking: Promise<void> | undefined
  /** Octets that were written, ever. */
  #taken = 0

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

  get files(): Room['files'] {
    return this.#room.files
  }

  /** The same disk, but each file that is made through it is taken off the free ones. */
  counting(disk: Disk): Disk {
    const create = (path: string) => {
      const { files } = this.#room
      if (files !== undefined) this.#room = { ...this.#room, files: { ...files, free: Math.max(0, files.free - 1) } }
      return disk.create(path)
    }
    return { ...disk, create }
  }

  took(bytes: number): void {
    this.#taken += bytes
    this.#room = { ...this.#room, free: Math.max(0, this.#room.free - bytes) }
  }

  refresh(): Promise<void> {
    this.#asking ??= this.#measure().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #measure(): Promise<void> {
    this.#asked = this.#now()
    const before = this.#taken
    const room = await this.#ask()
    // The answer may or may not include what was written meanwhile, so that is taken off in any case.
    this.#room = { ...room, free: Math.max(0, room.free - (this.#taken - before)) }
  }
}
