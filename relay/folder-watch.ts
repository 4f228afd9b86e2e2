/** Raises a flag when something in one of several folders may have changed; bursts collapse into one call. */
import { type FSWatcher, statSync, watch } from 'node:fs'

/** The events of one save, gathered. */
const settleMs = 25
/** A safety net: file systems may lose events. */
const rereadMs = 30_000
/** Where the system watches no more: all watches of a user on a machine are of one limit, and others have taken them. */
const unwatchedMs = 1000
/** A link above a folder that is set to another one changes nothing in either. */
const elsewhereMs = 1000

type Watched = { readonly identity: string; readonly watcher: FSWatcher }

/** Not the recursive watch of Node: it would enter the state folder, where each message in the spool is a change. */
export class FolderWatch {
  readonly #changed: () => void
  readonly #watched = new Map<string, Watched>()
  readonly #everyMs: number
  readonly #looking: NodeJS.Timeout
  #reread: NodeJS.Timeout
  #rereadMs: number
  #settling: NodeJS.Timeout | undefined

  constructor(changed: () => void, everyMs = rereadMs) {
    this.#changed = changed
    this.#everyMs = everyMs
    this.#rereadMs = everyMs
    this.#reread = setInterval(changed, everyMs)
    this.#looking = setInterval(() => this.#lookWhereTheyLead(), elsewhereMs)
  }

  /** Watches just these folders from now on; one that was replaced by another of its name is watched anew. */
  watch(folders: readonly string[]): void {
    for (const [folder, { identity, watcher }] of this.#watched) {
      if (folders.includes(folder) && identityOf(folder) === identity) continue
      watcher.close()
      this.#watched.delete(folder)
    }
    for (const folder of folders) if (!this.#watched.has(folder)) this.#open(folder)
    const areAll = folders.every((folder) => this.#watched.has(folder))
    this.#rereadEvery(areAll ? this.#everyMs : Math.min(unwatchedMs, this.#everyMs))
  }

  close(): void {
    this.watch([])
    clearInterval(this.#reread)
    clearInterval(this.#looking)
    clearTimeout(this.#settling)
  }

  #rereadEvery(ms: number): void {
    if (ms === this.#rereadMs) return
    this.#rereadMs = ms
    clearInterval(this.#reread)
    this.#reread = setInterval(this.#changed, ms)
  }

  #open(folder: string): void {
    const identity = identityOf(folder)
    if (identity === undefined) return
    try {
      const watcher = watch(folder, () => this.#raise())
      watcher.on('error', () => this.#raise())
      this.#watched.set(folder, { identity, watcher })
    } catch {
      // It went away in between, or nothing more can be watched; the re-read finds out.
    }
  }

  #lookWhereTheyLead(): void {
    for (const [folder, { identity }] of this.#watched) if (identityOf(folder) !== identity) this.#raise()
  }

  #raise(): void {
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined
      this.#changed()
    }, settleMs)
  }
}

/** By its birth as well: the number of a folder that was deleted is given to the next one. */
function identityOf(folder: string): string | undefined {
  try {
    const { ino, birthtimeMs } = statSync(folder)
    return `${ino} ${birthtimeMs}`
  } catch {
    return undefined
  }
}
