/** One operator for one state folder: a second would start a second relay on the same spool. */
import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { diskTrouble } from './disk-trouble.ts'

/** SQLITE_BUSY: somebody else has the lock. */
const busy = 5

export type Lock = {
  /** Its file is gone, or another: whoever starts next has a lock of its own. */
  loss(): Error | undefined
  release(): void
}

/**
 * Takes the lock, which ends with the process however that ends.
 * @throws Error when another process holds it, or the folder can not be written.
 */
export function lockState(file: string): Lock {
  const folder = dirname(file)
  try {
    return lock(file)
  } catch (error) {
    const held = (error as { readonly errcode?: number }).errcode === busy
    const why = held ? `another relayfleet already works with ${folder}; stop it first` : unusable(folder, error)
    throw new Error(`${why}, or choose another folder with --state`)
  }
}

const unusable = (folder: string, error: unknown): string =>
  `the state folder ${folder} can not be used (${diskTrouble(error)}); mend that`

function lock(file: string): Lock {
  makeWritable(dirname(file))
  // Whoever may not write the file is told by the system, in better words than SQLite's.
  closeSync(openSync(file, 'a', 0o600))
  // SQLite's lock is the one file lock that Node has, and the kernel takes it back from a process that died.
  const database = new DatabaseSync(file, { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    throw error
  }
  const own = statSync(file)
  return {
    loss: () => (isFile(file, own) ? undefined : new Error(lostText(dirname(file)))),
    release: () => database.close(),
  }
}

const lostText = (folder: string): string =>
  `the state folder ${folder}, or the lock in it, was deleted, moved or replaced while relayfleet worked with it; ` +
  'what was queued is where that folder is now, or lost'

/** While the lock is held its number is given to no other file. */
const isFile = (file: string, { dev, ino }: Stats): boolean => {
  try {
    const found = statSync(file, { throwIfNoEntry: false })
    return found?.dev === dev && found.ino === ino
  } catch {
    // Where the disk says nothing, nothing was taken away.
    return true
  }
}

/** The nearest folder that exists is asked first, since what is below it may only say ENOENT. */
function makeWritable(folder: string): void {
  const missing: string[] = []
  let nearest = folder
  for (; !existsSync(nearest); nearest = dirname(nearest)) missing.unshift(nearest)
  accessSync(nearest, constants.W_OK)
  // One by one: where a file system makes no folder and says ENOENT, as /proc does, Node's recursive one never ends.
  for (const each of missing) makeFolder(each)
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    // Another start was faster, and the lock tells which.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
