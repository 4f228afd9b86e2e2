/**
 * One process for one spool. Node has no flock, but SQLite takes a real lock of the kernel on its file: a SIGKILL frees
 * it, and it holds between containers that share a volume, where process ids and abstract sockets do not reach.
 */
import {
  closeSync,
  constants,
  fstat,
  fstatSync,
  openSync,
  readFileSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { readable } from './disk.ts'
import { spoolError } from './disk-error.ts'
import { SpoolError } from './spool.ts'

const sqliteBusy = 5
/** How often we look for our lock file: once somebody has deleted it, another process can take a lock of its own. */
const lookEveryMs = 1000

const exchanged =
  'is another one by now, as where its volume was mounted after this relay had begun: the relay ends, and its next start has that one'

export type Lock = {
  /**
   * Set while others may have the lock, too: what cannot be written to the kernel only locks for reading, and for all who ask.
   * Nothing may be written then. As soon as the file can be written to, the lock is taken anew, for us alone.
   */
  readonly shared: SpoolError | undefined
  release(): void
}

/**
 * `isAnother`: whether the folder has another spool by now, as where its volume was mounted late, over the folder that a relay had
 * begun with. This one knows nothing of the mail in it, which would wait, untold, for the next start.
 * @throws {SpoolError} naming the folder and who holds it.
 */
export function lockDirectory(directory: string, isAnother: () => Promise<boolean> = async () => false): Lock {
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
  // Our own share is let go first: it would keep us out, and to close its file later would end the new lock, as POSIX has it.
  const takeAlone = (): void => {
    letGo(held)
    held = hold(directory)
    signHolder(directory)
  }
  /**
   * If another process has the lock by then this throws, nobody catches it, and the process ends: a spool is never shared. Nor is one
   * exchanged for another under a process.
   */
  const look = async (): Promise<void> => {
    const isGone = await isNoMore(path, held)
    const isExchanged = isGone && (await isAnother())
    const mayBeAlone = held.shared !== undefined && (await isWritable(path))
    if (isReleased) return
    if (isExchanged) throw new SpoolError('fault', `spool ${directory} ${exchanged}`)
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
 * `file` is the locked file itself, whatever has its name by now: it is asked for its inode each time, which may change on FUSE.
 * It stays open as long as the lock is held, since to close it would end the lock.
 */
type Held = { readonly database: DatabaseSync; readonly file: number; readonly shared: SpoolError | undefined }

const ownStat = promisify(fstat)

/**
 * The file was deleted, or another one has its name. Where that cannot be told, nothing has changed.
 */
async function isNoMore(path: string, { file }: Held): Promise<boolean> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => error)
  if (!('ino' in found)) return found.code === 'ENOENT'
  const own = await ownStat(file).catch(() => found)
  return !areOne(own, found)
}

/** Volumes that were filled alike have the same inodes. */
const areOne = (a: Stats, b: Stats | undefined): boolean => a.ino === b?.ino && a.dev === b.dev

const isWritable = (path: string): Promise<boolean> =>
  access(path, constants.W_OK).then(
    () => true,
    () => false,
  )

/** By two steps, and the file is to be that of the lock: a folder that is exchanged in between has another one of that name. */
function hold(directory: string): Held {
  const folder = openSync(directory, 'r')
  try {
    const held = holdIn(directory)
    if (areOne(fstatSync(folder), statSync(directory, { throwIfNoEntry: false }))) return held
    letGo(held)
    throw new SpoolError('fault', `spool ${directory} ${exchanged}`)
  } finally {
    closeSync(folder)
  }
}

function holdIn(directory: string): Held {
  const database = open(directory)
  const path = join(directory, 'lock')
  try {
    return { database, file: openSync(path, 'r+'), shared: undefined }
  } catch (error) {
    const shared = spoolError(`spool ${directory} may be in use by others, too, and is not written to`, error)
    return { database, file: openSync(path, 'r'), shared }
  }
}

/** Errors mean nothing: nothing was written, and the kernel lets go of the lock also where the volume is away. */
function letGo({ database, file }: Held): void {
  for (const close of [() => database.close(), () => closeSync(file)]) {
    try {
      close()
    } catch {
      // There is nothing left to do.
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

/** Only for the error message of a second process, so a full disk does not keep the first one from opening. */
function signHolder(directory: string): void {
  const path = join(directory, 'lock.holder')
  const holder = `process ${process.pid} on ${hostname()} since ${new Date().toISOString()}\n`
  try {
    // Removed first: to write to a pipe in its place would wait for a reader.
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
