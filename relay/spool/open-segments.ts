/** Segments that are open for reading: the last used ones stay open, since opening costs more than reading a message. */
import type { Disk, DiskFile } from './disk.ts'
import type { Paths } from './paths.ts'
import type { Place, Segment } from './segment.ts'

/** Descriptors are for sessions: see descriptors.ts. */
const most = 16

type Opened = { readonly file: Promise<DiskFile>; readers: number; leaving: boolean }

export class OpenSegments {
  readonly #disk: Disk
  readonly #paths: Paths
  /** The last used one last. */
  readonly #open = new Map<string, Opened>()
  readonly #closing = new Set<Promise<void>>()

  constructor(disk: Disk, paths: Paths) {
    this.#disk = disk
    this.#paths = paths
  }

  /** The octets of the place, or fewer where the file ends before. @throws the disk's error */
  async read({ segment, at, bytes }: Place): Promise<Buffer> {
    const opened = this.#take(segment.name)
    try {
      const into = Buffer.allocUnsafe(bytes)
      const got = await (await opened.file).read(into, at)
      return into.subarray(0, got)
    } catch (error) {
      this.#leave(segment.name, opened)
      throw error
    } finally {
      opened.readers -= 1
      this.#closeIdle(opened)
    }
  }

  /** The file was deleted: while it is open it still takes its room on the volume. */
  forget(segment: Segment): void {
    const opened = this.#open.get(segment.name)
    if (opened !== undefined) this.#leave(segment.name, opened)
  }

  async close(): Promise<void> {
    for (const [name, opened] of this.#open) this.#leave(name, opened)
    await Promise.all(this.#closing)
  }

  #take(name: string): Opened {
    const opened = this.#open.get(name) ?? {
      file: this.#disk.open(this.#paths.segment(name)),
      readers: 0,
      leaving: false,
    }
    opened.readers += 1
    this.#open.delete(name)
    this.#open.set(name, opened)
    for (const [oldest, other] of this.#open) {
      if (this.#open.size <= most) break
      this.#leave(oldest, other)
    }
    return opened
  }

  #leave(name: string, opened: Opened): void {
    if (this.#open.get(name) === opened) this.#open.delete(name)
    opened.leaving = true
    this.#closeIdle(opened)
  }

  #closeIdle(opened: Opened): void {
    if (!opened.leaving || opened.readers > 0) return
    const closing = opened.file
      .then((file) => file.close())
      .catch(ignored)
      .finally(() => this.#closing.delete(closing))
    this.#closing.add(closing)
  }
}

const ignored = (): void => {}
