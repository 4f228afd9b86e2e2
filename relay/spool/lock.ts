/**
 * One process for one spool. Node has no flock, but SQLite takes a real lock of the kernel on its file: a SIGKILL frees
 * it, and it holds between containers that share a volume, where process ids and abstract sockets do not reach.
 */
import { closeSync, constants, fstat, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { readable } from './disk.ts'
import { spoolError } from './disk-error.ts'
import { SpoolError } from './spool.ts'

const sqliteBusy = 5
/** A lock that was deleted lets another process in, until it is looked for. */
const lookEveryMs = 1000

export type Lock = {
  /**
   * Why others may have it, too: the kernel locks for one alone only what can be written to. So long nothing may be written;
   * as soon as it can be, the lock is taken anew.
   */
  readonly shared: SpoolError | undefined
  release(): void
}

/** @throws {SpoolError} naming the folder and who holds it. */
export function lockDirectory(directory: string): Lock {
  const path = join(directory, 'lock')
  let held = hold(directory)
  signHolder(directory)
  let timer: NodeJS.Timeout
  let isReleased = false
  const renew = (): void => {
    const before = held
    try {
      held = hold(directory)
      letGo(before)
      signHolder(directory)
    } catch (error) {
      if (error instanceof SpoolError && busy(error.cause)) throw error
    }
  }
  // Our own share would keep us out, and closing its file later would take the new lock away.
  const takeAlone = (): void => {
    letGo(held)
    held = hold(directory)
    signHolder(directory)
  }
  /** Where another one has it when it was deleted, or is to be ours alone, this process ends by what is thrown. */
  const look = async (): Promise<void> => {
    const isGone = await isNoMore(path, held)
    const mayBeAlone = held.shared !== undefined && (await isWritable(path))
    if (isReleased) return
    if (mayBeAlone) takeAlone()
    else if (isGone) renew()
    lookLater()
  }
  const lookLater = (): void => {
    timer = setTimeout(() => void look(), lookEveryMs).unref()
  }
  lookLater()
  return {
    get shared() {
      return held.shared
    },
    release: () => {
      isReleased = true
      clearTimeout(timer)
      letGo(held)
    },
  }
}

/**
 * `file` is the file itself, whatever has its name: its number may be another one tomorrow (FUSE). It stays open as long as the
 * lock, which the kernel would take away with it.
 */
type Held = { readonly database: DatabaseSync; readonly file: number; readonly shared: SpoolError | undefined }

const ownStat = promisify(fstat)

/** The file was deleted, or another one has its name; what can not be looked at is as it was. */
async function isNoMore(path: string, { file }: Held): Promise<boolean> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => error)
  if (!('ino' in found)) return found.code === 'ENOENT'
  const own = await ownStat(file).catch(() => found)
  return own.ino !== found.ino
}

const isWritable = (path: string): Promise<boolean> =>
  access(path, constants.W_OK).then(
    () => true,
    () => false,
  )

function hold(directory: string): Held {
  const database = open(directory)
  const path = join(directory, 'lock')
  try {
    return { database, file: openSync(path, 'r+'), shared: undefined }
  } catch (error) {
    const shared = spoolError(`spool ${directory} may be in use by others, too, and is not written to`, error)
    return { database, file: openSync(path, 'r'), shared }
  }
}

/** Nothing was written: whatever a volume that is away says of it, the kernel has let go. */
function letGo({ database, file }: Held): void {
  for (const close of [() => database.close(), () => closeSync(file)]) {
    try {
      close()
    } catch {
      // Nor is anything left to be done.
    }
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
  const path = join(directory, 'lock.holder')
  const holder = `process ${process.pid} on ${hostname()} since ${new Date().toISOString()}\n`
  try {
    // A pipe in its place would be waited for.
    rmSync(path, { force: true })
    writeFileSync(path, holder)
  } catch {
    // The lock itself holds.
  }
}

const busy = (error: unknown): boolean => error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy

function holderOf(directory: string): string {
  try {
    return readFileSync(join(directory, 'lock.holder'), { encoding: 'utf8', flag: readable }).trim()
  } catch {
    return 'another process'
  }
}
