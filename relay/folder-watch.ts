/** Raises a flag when something in one of several folders may have changed; bursts collapse into one call. */
import { type FSWatcher, statSync, watch } from 'node:fs'

/** The events of one save, gathered. */
const settleMs = 25
/** A safety net: file systems may lose events, and a link's target lies in a folder that nobody watches. */
const rereadMs = 30_000

type Watched = { readonly inode: number; readonly watcher: FSWatcher }

/** Not the recursive watch of Node: it would enter the state folder, where each message in the spool is a change. */
export class FolderWatch {
  readonly #changed: () => void
  readonly #watched = new Map<string, Watched>()
  readonly #reread: NodeJS.Timeout
  #settling: NodeJS.Timeout | undefined

  constructor(changed: () => void, everyMs = rereadMs) {
    this.#changed = changed
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
  }

  close(): void {
    clearInterval(this.#reread)
    clearTimeout(this.#settling)
    this.watch([])
  }

  #open(folder: string): void {
    const inode = inodeOf(folder)
    if (inode === undefined) return
    try {
      const watcher = watch(folder, () => this.#raise())
      watcher.on('error', () => this.#raise())
      this.#watched.set(folder, { inode, watcher })
    } catch {
      // It went away in between; the re-read finds out.
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
