/**
 * One process for one spool. Node has no flock, but SQLite takes a real lock of the kernel on its file: a SIGKILL frees
 * it, and it holds between containers that share a volume, where process ids and abstract sockets do not reach.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { spoolError } from './disk-error.ts'
import { SpoolError } from './spool.ts'

const sqliteBusy = 5
/** A lock that was deleted lets another process in, until it is looked for. */
const lookEveryMs = 1000

export type Lock = { release(): void }

/** @throws {SpoolError} naming the folder and who holds it. */
export function lockDirectory(directory: string): Lock {
  const path = join(directory, 'lock')
  let database = open(directory)
  let { ino } = statSync(path)
  signHolder(directory)
  let timer: NodeJS.Timeout
  let isReleased = false
  /** Made anew where it was deleted; where another one has it by then, this process ends by what is thrown. */
  const look = async (): Promise<void> => {
    const found = await stat(path).catch((error: NodeJS.ErrnoException) => error)
    if (isReleased) return
    if ('ino' in found ? found.ino !== ino : found.code === 'ENOENT') {
      const before = database
      try {
        database = open(directory)
        ;({ ino } = statSync(path))
        before.close()
        signHolder(directory)
      } catch (error) {
        if (error instanceof SpoolError && busy(error.cause)) throw error
      }
    }
    lookLater()
  }
  const lookLater = (): void => {
    timer = setTimeout(() => void look(), lookEveryMs).unref()
  }
  lookLater()
  return {
    release: () => {
      isReleased = true
      clearTimeout(timer)
      database.close()
    },
  }
}

function open(directory: string): DatabaseSync {
  try {
    const database = new DatabaseSync(join(directory, 'lock'))
    // Nothing is ever written into it: the transaction is the lock.
    database.exec('PRAGMA journal_mode=MEMORY; PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    throw busy(error)
      ? new SpoolError(
          'fault',
          `spool ${directory} is in use by ${holderOf(directory)}: stop it, or give this relay another folder`,
          error,
        )
      : spoolError(
          `${join(directory, 'lock')} can not be used as the lock of this spool; while no relay runs it may be deleted`,
          error,
        )
  }
}

/** Only for the message of whoever comes second: a full disk must not keep the first from opening. */
function signHolder(directory: string): void {
  const holder = `process ${process.pid} on ${hostname()} since ${new Date().toISOString()}\n`
  try {
    writeFileSync(join(directory, 'lock.holder'), holder)
  } catch {
    // The lock itself holds.
  }
}

const busy = (error: unknown): boolean => error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy

function holderOf(directory: string): string {
  try {
    return readFileSync(join(directory, 'lock.holder'), 'utf8').trim()
  } catch {
    return 'another process'
  }
}
