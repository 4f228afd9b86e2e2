/** Measures, beside other work, how long the disk takes for what every 250 waits for: a few KB overwritten and synced. */
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const everyMs = 25
const bytes = 4096
const places = 1024

/** Does the deed, and puts into `times` how many milliseconds each write in `folder` took meanwhile, with its sync. */
export async function besideDisk<T>(folder: string, times: number[], deed: () => Promise<T>): Promise<T> {
  const file = await open(join(folder, 'probe'), 'w')
  try {
    // The space is allocated beforehand, as in the journal, so that only the content has to get to the disk.
    await file.write(Buffer.alloc(places * bytes))
    await file.datasync()
    const ended = new AbortController()
    const asking = ask(file, times, ended.signal)
    try {
      return await deed()
    } finally {
      ended.abort()
      await asking
    }
  } finally {
    await file.close()
  }
}

async function ask(file: FileHandle, times: number[], ended: AbortSignal): Promise<void> {
  const content = Buffer.alloc(bytes, 1)
  for (let n = 0; !ended.aborted; n += 1) {
    const start = performance.now()
    await file.write(content, 0, bytes, (n % places) * bytes)
    await file.datasync()
    const took = performance.now() - start
    times.push(took)
    await sleep(Math.max(0, everyMs - took), undefined, { signal: ended }).catch(() => undefined)
  }
}
