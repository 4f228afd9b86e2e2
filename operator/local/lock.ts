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

/** A recursive mkdir below a folder that refuses it may say ENOENT, so the nearest folder that exists is asked. */
function makeWritable(folder: string): void {
  let nearest = folder
  while (!existsSync(nearest)) nearest = dirname(nearest)
  accessSync(nearest, constants.W_OK)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
}
