/**
 * A disk in memory that can lose power. Then, what was not synced may be there, in part or not at all; and a name is there for
 * certain only if its folder was synced, whatever was done to its file (POSIX promises no more than that).
 */
import { basename, dirname } from 'node:path'
import type { Disk, DiskFile } from '../../../relay/spool/disk.ts'

type Inode = { content: Buffer }
/** One thing that was done to a file, or to the names in a folder. */
type Deed =
  | { readonly do: 'write'; readonly inode: Inode; readonly at: number; readonly bytes: Buffer }
  | { readonly do: 'truncate'; readonly inode: Inode; readonly length: number }
  | { readonly do: 'sync'; readonly inode: Inode }
  /** The kernel drops what it could not write, but still returns it to reads, and lets a later sync succeed. */
  | { readonly do: 'failedSync'; readonly inode: Inode }
  | { readonly do: 'name'; readonly inode: Inode; readonly path: string; readonly from?: string }
  | { readonly do: 'unlink'; readonly path: string }
  | { readonly do: 'syncDirectory'; readonly directory: string }

/** What the medium keeps of what was not synced; with `some`, the dice decide for each write, sector and name. */
export type Luck = {
  readonly data: 'none' | 'all' | 'some'
  readonly names: 'none' | 'all' | 'some'
  readonly dice: () => number
}

/** The units in which the medium and the operating system write. */
const [sectorBytes, pageBytes] = [512, 4096]

export class LosingDisk {
  readonly deeds: Deed[] = []
  /** So many syncs of files succeed, and then one fails; those of folders do not count. */
  syncsUntilFailure = Number.POSITIVE_INFINITY
  /** The size of the volume, and what others use of it; files take whole pages. Without it, there is always room. */
  octets: { readonly all: number; others: number } | undefined
  readonly #before: ReadonlyMap<string, Buffer>
  readonly #files = new Map<string, Inode>()

  /** `files` are on the medium at the beginning. */
  constructor(files: ReadonlyMap<string, Buffer> = new Map()) {
    this.#before = files
    for (const [path, content] of files) this.#files.set(path, { content })
    this.#known = new Map([...this.#files].map(([path, inode]) => [inode, files.get(path) ?? Buffer.of()]))
  }
  readonly #known: ReadonlyMap<Inode, Buffer>

  readonly disk: Disk = {
    create: async (path) => {
      if (this.#files.has(path)) throw failure('EEXIST', path)
      const inode = { content: Buffer.alloc(0) }
      this.#files.set(path, inode)
      this.deeds.push({ do: 'name', inode, path })
      return this.#file(inode)
    },
    open: async (path) => this.#file(this.#at(path)),
    openToWrite: async (path) => this.#file(this.#at(path)),
    size: async (path) => this.#at(path).content.length,
    isFile: async (path) => this.#files.has(path),
    list: async (directory) => [...this.#files.keys()].filter((p) => dirname(p) === directory).map((p) => basename(p)),
    rename: async (from, path) => {
      const inode = this.#at(from)
      this.#files.delete(from)
      this.#files.set(path, inode)
      this.deeds.push({ do: 'name', inode, path, from })
    },
    unlink: async (path) => {
      this.#at(path)
      this.#files.delete(path)
      this.deeds.push({ do: 'unlink', path })
    },
    makeDirectory: async () => undefined,
    syncDirectory: async (directory) => void this.deeds.push({ do: 'syncDirectory', directory }),
    // The volume looks small, so that segments are small and many.
    space: async () => ({ free: this.#free ?? 4_000_000, total: this.octets?.all ?? 4_000_000 }),
  }

  get paths(): readonly string[] {
    return [...this.#files.keys()]
  }

  /** The contents by path, as a process that is alive sees them. */
  get files(): ReadonlyMap<string, Buffer> {
    return new Map([...this.#files].map(([path, { content }]) => [path, content]))
  }

  /** The files after the first so many deeds and a loss of power. */
  after(deeds: number, luck: Luck): ReadonlyMap<string, Buffer> {
    const done = this.deeds.slice(0, deeds)
    const names = this.#namesAfter(done, luck)
    const files = new Map<string, Buffer>()
    const byInode = Map.groupBy(done, (deed) => ('inode' in deed ? deed.inode : undefined))
    for (const [path, inode] of names) files.set(path, this.#contentAfter(inode, byInode.get(inode) ?? [], luck))
    return files
  }

  /** The disk after the first so many deeds and a kill: the system still has all of them, but may lose what was not synced. */
  killedAfter(deeds: number): LosingDisk {
    const next = new LosingDisk(this.#before)
    next.octets = this.octets
    const anew = new Map([...this.#known.keys()].map((inode, i) => [inode, [...next.#known.keys()][i] ?? inode]))
    for (const deed of this.deeds.slice(0, deeds))
      next.#do('inode' in deed ? { ...deed, inode: again(deed.inode) } : deed)
    return next

    function again(inode: Inode): Inode {
      const known = anew.get(inode) ?? { content: Buffer.alloc(0) }
      anew.set(inode, known)
      return known
    }
  }

  #do(deed: Deed): void {
    this.deeds.push(deed)
    if (deed.do === 'write') deed.inode.content = overwritten(deed.inode.content, deed.at, deed.bytes)
    if (deed.do === 'truncate') deed.inode.content = deed.inode.content.subarray(0, deed.length)
    if (deed.do === 'unlink' || (deed.do === 'name' && deed.from !== undefined)) {
      this.#files.delete(deed.do === 'unlink' ? deed.path : (deed.from ?? ''))
    }
    if (deed.do === 'name') this.#files.set(deed.path, deed.inode)
  }

  #namesAfter(done: readonly Deed[], luck: Luck): ReadonlyMap<string, Inode> {
    const names = new Map([...this.#known.keys()].map((inode, i) => [[...this.#before.keys()][i] ?? '', inode]))
    const synced = lastSyncs(done)
    for (const [i, deed] of done.entries()) {
      const folder = deed.do === 'name' || deed.do === 'unlink' ? dirname(deed.path) : undefined
      const safe = (synced.get(folder) ?? -1) > i
      if (folder === undefined || (!safe && !kept(luck.names, luck.dice))) continue
      if (deed.do === 'unlink') names.delete(deed.path)
      if (deed.do !== 'name') continue
      if (deed.from !== undefined) names.delete(deed.from)
      names.set(deed.path, deed.inode)
    }
    return names
  }

  /** `done`: what was done to this file, and to its name. */
  #contentAfter(inode: Inode, done: readonly Deed[], luck: Luck): Buffer {
    let content = this.#known.get(inode) ?? Buffer.alloc(0)
    const syncs = [...done.entries()].filter(([, d]) => isSync(d))
    const isSafe = (i: number): boolean => syncs.find(([at]) => at > i)?.[1].do === 'sync'
    for (const [i, deed] of done.entries()) {
      if (deed.do === 'truncate' && (isSafe(i) || kept(luck.data, luck.dice))) {
        content = content.subarray(0, deed.length)
      }
      if (deed.do !== 'write') continue
      content = isSafe(i) ? overwritten(content, deed.at, deed.bytes) : partly(content, deed.at, deed.bytes, luck)
    }
    return content
  }

  get #free(): number | undefined {
    if (this.octets === undefined) return undefined
    const used = [...this.#files.values()].reduce((sum, { content }) => sum + inPages(content.length), 0)
    return Math.max(0, this.octets.all - this.octets.others - used)
  }

  #file(inode: Inode): DiskFile {
    return {
      write: async (buffers, position) => {
        const all = Buffer.concat(buffers)
        const room = inPages(inode.content.length) + (this.#free ?? Number.POSITIVE_INFINITY) - position
        const bytes = all.subarray(0, Math.max(0, room))
        inode.content = overwritten(inode.content, position, bytes)
        this.deeds.push({ do: 'write', inode, at: position, bytes })
        if (bytes.length < all.length) throw failure('ENOSPC', 'write')
      },
      read: async (into, position) => inode.content.copy(into, 0, position),
      sync: async () => {
        const fails = this.syncsUntilFailure-- === 0
        this.deeds.push({ do: fails ? 'failedSync' : 'sync', inode })
        if (fails) throw failure('EIO', 'sync')
      },
      truncate: async (length) => {
        inode.content = inode.content.subarray(0, length)
        this.deeds.push({ do: 'truncate', inode, length })
      },
      close: async () => {},
    }
  }

  #at(path: string): Inode {
    const inode = this.#files.get(path)
    if (inode === undefined) throw failure('ENOENT', path)
    return inode
  }
}

const inPages = (bytes: number): number => pageBytes * Math.ceil(bytes / pageBytes)

/** Of each folder, which deed synced it last. */
function lastSyncs(done: readonly Deed[]): ReadonlyMap<string | undefined, number> {
  const synced = new Map<string, number>()
  for (const [i, deed] of done.entries()) if (deed.do === 'syncDirectory') synced.set(deed.directory, i)
  return synced
}

const isSync = (deed: Deed): boolean => deed.do === 'sync' || deed.do === 'failedSync'

const failure = (code: string, path: string): Error => Object.assign(new Error(`${code}: ${path}`), { code })

const kept = (what: Luck['data'], dice: () => number): boolean => what === 'all' || (what === 'some' && dice() < 0.5)

function overwritten(content: Buffer, at: number, bytes: Buffer): Buffer {
  const result = Buffer.alloc(Math.max(content.length, at + bytes.length))
  content.copy(result)
  bytes.copy(result, at)
  return result
}

/**
 * What is left of a write that was not synced: any of its sectors or pages. Zeros are in place of those that are missing beyond
 * the old end, since the new length may be there without them.
 */
function partly(content: Buffer, at: number, bytes: Buffer, luck: Luck): Buffer {
  if (luck.data !== 'some') return luck.data === 'all' ? overwritten(content, at, bytes) : content
  const style = luck.dice()
  if (style < 0.3) return overwritten(content, at, bytes.subarray(0, Math.floor(luck.dice() * bytes.length)))
  const unit = luck.dice() < 0.5 ? sectorBytes : pageBytes
  let result = luck.dice() < 0.5 ? content : overwritten(content, at + bytes.length, Buffer.of())
  for (let from = 0; from < bytes.length; ) {
    const to = Math.min(bytes.length, from + unit - ((at + from) % unit))
    if (luck.dice() < style) result = overwritten(result, at + from, bytes.subarray(from, to))
    from = to
  }
  return result
}
