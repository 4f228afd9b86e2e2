/** Raises a flag when something in one of several folders may have changed; bursts collapse into one call. */
import { type FSWatcher, statSync, watch } from 'node:fs'

/** The events of one save, gathered. */
const settleMs = 25
/** A safety net: file systems may lose events. */
const rereadMs = 30_000
/** Where the system watches no more: all watches of a user on a machine are of one limit, and others have taken them. */
const unwatchedMs = 1000

type Watched = { readonly inode: number; readonly watcher: FSWatcher }

/** Not the recursive watch of Node: it would enter the state folder, where each message in the spool is a change. */
export class FolderWatch {
  readonly #changed: () => void
  readonly #watched = new Map<string, Watched>()
  readonly #everyMs: number
  #reread: NodeJS.Timeout
  #rereadMs: number
  #settling: NodeJS.Timeout | undefined

  constructor(changed: () => void, everyMs = rereadMs) {
    this.#changed = changed
    this.#everyMs = everyMs
    this.#rereadMs = everyMs
    this.#reread = setInterval(changed, everyMs)
  }

  /** Watches just these folders from now on; one that was replaced by another of its name is watched anew. */
  watch(folders: readonly string[]): void {
    for (const [folder, { inode, watcher }] of this.#watched) {
      if (folders.includes(folder) && inodeOf(folder) === inode) continue
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
    clearTimeout(this.#settling)
  }

  #rereadEvery(ms: number): void {
    if (ms === this.#rereadMs) return
    this.#rereadMs = ms
    clearInterval(this.#reread)
    this.#reread = setInterval(this.#changed, ms)
  }

  #open(folder: string): void {
    const inode = inodeOf(folder)
    if (inode === undefined) return
    try {
      const watcher = watch(folder, () => this.#raise())
      watcher.on('error', () => this.#raise())
      this.#watched.set(folder, { inode, watcher })
    } catch {
      // It went away in between, or nothing more can be watched; the re-read finds out.
    }
  }

  #raise(): void {
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined
      this.#changed()
    }, settleMs)
  }
}

const inodeOf = (folder: string): number | undefined => statSync(folder, { throwIfNoEntry: false })?.ino
