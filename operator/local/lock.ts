/** Locks a state folder for one process: a second one would start a second relay on the same spool. */
import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { diskTrouble } from './disk-trouble.ts'

/** SQLITE_BUSY: another process has the lock. */
const busy = 5

export type Lock = {
  /** An error if the lock's file was removed or replaced: then the next process would get a lock of its own. Else undefined. */
  loss(): Error | undefined
  release(): void
}

/**
 * Takes the lock. The kernel releases it when the process ends, however that happens.
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
  // Opened once by ourselves first, because the system's errors are clearer than SQLite's.
  closeSync(openSync(file, 'a', 0o600))
  // Node has no other file lock than SQLite's. The kernel releases it when the process dies.
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

/** Compares inodes: while we hold the file open, no other file can get its inode number. */
const isFile = (file: string, { dev, ino }: Stats): boolean => {
  try {
    const found = statSync(file, { throwIfNoEntry: false })
    return found?.dev === dev && found.ino === ino
  } catch {
    // If the file can not be examined (e.g. an I/O error), that does not mean that it was replaced.
    return true
  }
}

/**
 * Makes the folder. First the nearest existing folder above is checked, as an error about a missing one would only say ENOENT.
 */
function makeWritable(folder: string): void {
  const missing: string[] = []
  let nearest = folder
  for (; !existsSync(nearest); nearest = dirname(nearest)) missing.unshift(nearest)
  accessSync(nearest, constants.W_OK)
  // One at a time: with `recursive`, Node loops for ever on a file system that answers mkdir with ENOENT, as /proc does.
  for (const each of missing) makeFolder(each)
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    // Another process that starts now was faster; the lock decides between the two.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
