/** Tells that something in a folder may have changed; bursts collapse, and nothing is said about what it was. */
import { type FSWatcher, watch } from 'node:fs'

/** The events of one write, gathered. */
const settleMs = 20
/** A safety net: file systems may lose events. */
const rereadMs = 10_000

/** Calls `changed` after each burst of events, until the returned function is called. */
export function watchFolder(directory: string, changed: () => void): () => void {
  let settling: NodeJS.Timeout | undefined
  const raise = (): void => {
    settling ??= setTimeout(() => {
      settling = undefined
      changed()
    }, settleMs)
  }
  const watcher: FSWatcher = watch(directory, { recursive: true }, raise)
  // A folder that disappears ends its watcher; the slow re-read goes on.
  watcher.on('error', raise)
  const reread = setInterval(raise, rereadMs)
  return () => {
    watcher.close()
    clearInterval(reread)
    clearTimeout(settling)
  }
}
