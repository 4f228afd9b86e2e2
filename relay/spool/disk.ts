/** The few calls that the spool makes to a disk; a test may stand in a disk that loses power. */
import fs, { constants } from 'node:fs'
import { promisify } from 'node:util'
import { isAbsent } from './disk-error.ts'
import { type Room, roomOf } from './room.ts'

export type DiskFile = {
  /** Writes all of it at this offset. */
  write(buffers: readonly Buffer[], position: number): Promise<void>
  /** Fills as much of the buffer as the file has from this offset, and says how much that was. */
  read(into: Buffer, position: number): Promise<number>
  /** What was written before is on the medium when it resolves (fdatasync). */
  sync(): Promise<void>
  truncate(bytes: number): Promise<void>
  /** A second call does nothing. All other calls then throw, since the kernel gives the descriptor's number to other files. */
  close(): Promise<void>
}

export type Disk = {
  /** A new file; one that is there already is an error. */
  create(path: string): Promise<DiskFile>
  open(path: string): Promise<DiskFile>
  /** A file that is there already, to be read and written. */
  openToWrite(path: string): Promise<DiskFile>
  size(path: string): Promise<number>
  /** Whether a file has this name: no folder, pipe or link. */
  isFile(path: string): Promise<boolean>
  list(directory: string): Promise<readonly string[]>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  /** With the folders that it is in. Returns the first one that had to be made, or undefined. */
  makeDirectory(path: string): Promise<string | undefined>
  /** The names in the folder are on the medium when it resolves: fsync of a file does not do that. */
  syncDirectory(path: string): Promise<void>
  space(path: string): Promise<Room>
}

/** Without waiting: should somebody have put a pipe in the place of a file, opening it would wait for a writer for ever. */
export const readable = constants.O_RDONLY | constants.O_NONBLOCK

// The callback functions cost about half of what those of fs.promises do.
const calls = {
  open: promisify(fs.open),
  close: promisify(fs.close),
  fsync: promisify(fs.fsync),
  fdatasync: promisify(fs.fdatasync),
  ftruncate: promisify(fs.ftruncate),
  stat: promisify(fs.stat),
  lstat: promisify(fs.lstat),
  readdir: promisify(fs.readdir),
  mkdir: promisify(fs.mkdir),
  statfs: promisify(fs.statfs),
}

export const nodeDisk: Disk = {
  create: async (path) => fileOf(await calls.open(path, 'wx+', 0o600)),
  open: async (path) => fileOf(await calls.open(path, readable)),
  openToWrite: async (path) => fileOf(await calls.open(path, 'r+')),
  size: async (path) => (await calls.stat(path)).size,
  isFile: (path) => calls.lstat(path).then((stats) => stats.isFile(), absentIsNone),
  list: (directory) => calls.readdir(directory),
  rename: promisify(fs.rename),
  unlink: promisify(fs.unlink),
  makeDirectory: (path) => calls.mkdir(path, { recursive: true, mode: 0o700 }),
  async syncDirectory(path) {
    const fd = await calls.open(path, 'r')
    try {
      await calls.fsync(fd)
    } finally {
      await calls.close(fd)
    }
  },
  space: async (path) => roomOf(await calls.statfs(path)),
}

function absentIsNone(error: unknown): false {
  if (isAbsent(error)) return false
  throw error
}

function fileOf(fd: number): DiskFile {
  let open = true
  const number = (): number => {
    if (!open) throw new Error('this file was closed before')
    return fd
  }
  return {
    async write(buffers, position) {
      let at = position
      for (let rest = buffers; rest.length > 0; ) {
        const some = rest.slice(0, buffersPerCall)
        const written = await writeSome(number(), some, at)
        // Some file systems in user space do that; this loop would never end.
        if (written === 0 && some.some(({ length }) => length > 0))
          throw new Error('the disk takes nothing and says no error')
        at += written
        rest = after(rest, written)
      }
    },
    async read(into, position) {
      let filled = 0
      while (filled < into.length) {
        const got = await readSome(number(), into, filled, position + filled)
        if (got === 0) break
        filled += got
      }
      return filled
    },
    sync: async () => calls.fdatasync(number()),
    truncate: async (bytes) => calls.ftruncate(number(), bytes),
    async close() {
      if (!open) return
      open = false
      await calls.close(fd)
    },
  }
}

// IOV_MAX of Linux.
const buffersPerCall = 1024

const writeSome = (fd: number, buffers: readonly Buffer[], position: number): Promise<number> =>
  new Promise((resolve, reject) => {
    fs.writev(fd, buffers as Buffer[], position, (error, written) => (error ? reject(error) : resolve(written)))
  })

const readSome = (fd: number, into: Buffer, offset: number, position: number): Promise<number> =>
  new Promise((resolve, reject) => {
    fs.read(fd, into, offset, into.length - offset, position, (error, got) => (error ? reject(error) : resolve(got)))
  })

/** What is left of the buffers after so many octets: a write may be short. */
function after(buffers: readonly Buffer[], written: number): readonly Buffer[] {
  let skip = written
  let first = 0
  for (; first < buffers.length; first += 1) {
    const length = buffers[first]?.length ?? 0
    if (length > skip) break
    skip -= length
  }
  const [cut, ...whole] = buffers.slice(first)
  return cut === undefined ? [] : [cut.subarray(skip), ...whole]
}
