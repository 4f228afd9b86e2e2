/** The real disk, whose calls fail, or wait, for as long as a test wants. */
import { basename } from 'node:path'
import { type Disk, type DiskFile, nodeDisk } from '../../../relay/spool/disk.ts'

export type Call = keyof Disk | 'write' | 'sync' | 'truncate' | 'read' | 'close'

export class FailingDisk {
  /** The calls that fail now, and with which code: `sync` fails in all folders, `sync large` only in that one. */
  readonly failing = new Map<string, string>()
  /** The calls that wait now, and for what; named in the same way. */
  readonly waiting = new Map<string, Promise<void>>()
  /** An offset that can not be read, in files whose name begins so; `times` is how often, and without it always. */
  badSector: { readonly file: string; readonly at: number; times?: number } | undefined
  /** All calls in their order, as `sync journal`. */
  readonly calls: string[] = []

  readonly disk: Disk = {
    create: (path) => this.#call('create', path, async () => this.#file(path, await nodeDisk.create(path))),
    open: (path) => this.#call('open', path, async () => this.#file(path, await nodeDisk.open(path))),
    openToWrite: (path) =>
      this.#call('openToWrite', path, async () => this.#file(path, await nodeDisk.openToWrite(path))),
    size: (path) => this.#call('size', path, () => nodeDisk.size(path)),
    isFile: (path) => this.#call('isFile', path, () => nodeDisk.isFile(path)),
    list: (path) => this.#call('list', `${path}/`, () => nodeDisk.list(path)),
    rename: (from, to) => this.#call('rename', from, () => nodeDisk.rename(from, to)),
    unlink: (path) => this.#call('unlink', path, () => nodeDisk.unlink(path)),
    makeDirectory: (path) => this.#call('makeDirectory', `${path}/`, () => nodeDisk.makeDirectory(path)),
    syncDirectory: (path) => this.#call('syncDirectory', `${path}/`, () => nodeDisk.syncDirectory(path)),
    space: (path) => this.#call('space', `${path}/`, () => nodeDisk.space(path)),
  }

  #file(path: string, file: DiskFile): DiskFile {
    return {
      write: (buffers, position) => this.#call('write', path, () => file.write(buffers, position)),
      read: (into, position) =>
        this.#call('read', path, async () => {
          this.#pass(path, position, position + into.length)
          return file.read(into, position)
        }),
      sync: () => this.#call('sync', path, () => file.sync()),
      truncate: (bytes) => this.#call('truncate', path, () => file.truncate(bytes)),
      close: () => this.#call('close', path, () => file.close()),
    }
  }

  #pass(path: string, from: number, to: number): void {
    const bad = this.badSector
    if (bad === undefined || bad.times === 0 || bad.at < from || bad.at >= to) return
    if (!basename(path).startsWith(bad.file)) return
    if (bad.times !== undefined) bad.times -= 1
    throw failure('EIO', `read ${path}`)
  }

  async #call<T>(call: Call, path: string, deed: () => Promise<T>): Promise<T> {
    const place = `${call} ${path.split('/').at(-2)}`
    this.calls.push(place)
    const waits = this.waiting.get(place) ?? this.waiting.get(call)
    if (waits !== undefined) await waits
    const code = this.failing.get(place) ?? this.failing.get(call)
    if (code !== undefined) throw failure(code, call)
    return deed()
  }
}

/** Error numbers of Linux that Node has no name for. */
const unnamed: Readonly<Record<string, number>> = { EBADMSG: 74, ESTALE: 116, EUCLEAN: 117, EDQUOT: 122 }

function failure(name: string, call: string): Error {
  const number = unnamed[name]
  const code = number === undefined ? name : `Unknown system error -${number}`
  return Object.assign(new Error(`${code}: ${number === undefined ? 'told to fail' : code}, ${call}`), { code })
}
