/** One operator for one state folder: a second would start a second relay on the same spool. */
import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { diskTrouble } from './disk-trouble.ts'

/** SQLITE_BUSY: somebody else has the lock. */
const busy = 5

/**
 * Takes the lock, which ends with the process however that ends; returns how to give it back.
 * @throws Error when another process holds it, or the folder can not be written.
 */
export function lockState(file: string): () => void {
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
  `the state folder ${folder} can not be used: ${diskTrouble(error)}`

function lock(file: string): () => void {
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
  return () => database.close()
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
