/** One operator for one state folder: a second would start a second relay on the same spool. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/**
 * Takes the lock, which ends with the process however that ends; returns how to give it back.
 * @throws Error when another process holds it.
 */
export function lockState(file: string): () => void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  // SQLite's lock is the one file lock that Node has, and the kernel takes it back from a process that died.
  const database = new DatabaseSync(file, { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch {
    database.close()
    throw new Error(
      `another relayfleet already works with ${dirname(file)}; stop it first, or choose another folder with --state`,
    )
  }
  return () => database.close()
}
