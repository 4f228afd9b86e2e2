/** Raises a flag when something in one of several folders may have changed; bursts collapse into one call. */
import { type FSWatcher, statSync, watch } from 'node:fs'

/** The events of one save are gathered for so long. */
const settleMs = 25
/** A safety net, since file systems may lose events. */
const rereadMs = 30_000
/**
 * How often to re-read where the system gives no more watches: a user has so many on a machine (inotify), and others may use them
 * up.
 */
const unwatchedMs = 1000
/** How often to look whether a path leads to another folder: a symbolic link that is set anew is no event in either folder. */
const elsewhereMs = 1000

type Watched = { readonly identity: string; readonly watcher: FSWatcher }

/** Not by Node's recursive watch: that would enter the state folder, where each message in the spool is an event. */
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

  /** From now on watches exactly these folders; one that was replaced by another of the same name is watched anew. */
  watch(folders: readonly string[]): void {
    for (const folder of this.#watched.keys()) if (!folders.includes(folder)) this.#leave(folder)
    for (const folder of folders) this.also(folder)
    const areAll = folders.every((folder) => this.#watched.has(folder))
    this.#rereadEvery(areAll ? this.#everyMs : Math.min(unwatchedMs, this.#everyMs))
  }

  /** Watches this folder as well: to be called before it is read, so that no change is missed that comes meanwhile. */
  also(folder: string): void {
    const known = this.#watched.get(folder)
    if (known !== undefined && known.identity === identityOf(folder)) return
    this.#leave(folder)
    this.#open(folder)
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

  #leave(folder: string): void {
    this.#watched.get(folder)?.watcher.close()
    this.#watched.delete(folder)
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

/** Inode and time of birth: the inode number of a deleted folder is given to the next one. Undefined: there is no such folder. */
function identityOf(folder: string): string | undefined {
  try {
    const { ino, birthtimeMs } = statSync(folder)
    return `${ino} ${birthtimeMs}`
  } catch {
    return undefined
  }
}
