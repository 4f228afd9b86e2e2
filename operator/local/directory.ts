/**
 * Reads a YAML directory as it is on disk now: its objects, its problems, and the values of Secrets, which only the sink may see.
 */
import { isUtf8 } from 'node:buffer'
import { type Dirent, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Name } from '../compile/snapshot.ts'
import { joinReads, type LocatedObject, type LocatedProblem, type Read, readObjects } from './objects.ts'

export type Directory = {
  readonly objects: readonly LocatedObject[]
  readonly problems: readonly LocatedProblem[]
  /** Files and folders that could not be read or understood; a missing object may be in one of them. */
  readonly unread: readonly string[]
  /** Objects that have disappeared only a moment ago, so that they are not taken as deleted yet (see `Presence`). */
  readonly doubted: readonly string[]
  /** Everything that has to be watched for changes: every folder that was entered, and each file behind a link. */
  readonly watched: readonly string[]
}

/**
 * Reads every .yaml and .yml file below `root`, in order; folders that begin with a dot and `leftOut` are not entered.
 * A folder that several links lead to is entered once. `before` is called for each of the `watched` right before it is read.
 */
export function readDirectory(root: string, leftOut: string, before: (path: string) => void = () => {}): Directory {
  const watched: string[] = []
  const read = (path: string): void => {
    before(path)
    watched.push(path)
  }
  const reads: Read[] = []
  const entered = new Set<string>()
  const left = realpathOf(leftOut)
  const enter = (folder: string): void => {
    const real = realpathOf(folder)
    if (entered.has(real) || (folder !== root && real === left)) return
    entered.add(real)
    read(folder)
    const entries = attempt(folder, () => readdirSync(folder, { withFileTypes: true }))
    if (!entries.ok) reads.push(entries.read)
    else for (const entry of entries.value.toSorted(byName)) visit(folder, entry)
  }
  const visit = (folder: string, entry: Dirent): void => {
    const path = join(folder, entry.name)
    if (entry.name.startsWith('.')) return
    const isFolder = attempt(path, () => leadsToFolder(path, entry))
    if (!isFolder.ok) reads.push(isFolder.read)
    else if (isFolder.value) enter(path)
    else if (/\.ya?ml$/.test(entry.name)) {
      // The file behind the link changes in another folder, so it is watched by itself.
      if (entry.isSymbolicLink()) read(path)
      const text = attempt(path, () => textOfFile(path))
      reads.push(text.ok ? readFile(text.value, path) : text.read)
    }
  }
  enter(root)
  return { ...joinReads(reads), doubted: [], watched }
}

/** For a path that does not exist, merely the absolute path: the error is reported where it is read. */
function realpathOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return resolve(path)
  }
}

/**
 * A dangling link is no folder; if it is named like a YAML file, reading it reports the error.
 * @throws Error where a link can not be followed: a folder may be behind it
 */
const leadsToFolder = (path: string, entry: Dirent): boolean =>
  entry.isSymbolicLink() ? statSync(path, { throwIfNoEntry: false })?.isDirectory() === true : entry.isDirectory()

/** @throws Error for anything but a regular file: reading a pipe or a device could block for ever. */
function textOfFile(path: string): string {
  if (!statSync(path).isFile()) throw new Error('it is no regular file')
  const octets = readFileSync(path)
  // Octets that are not UTF-8 would be silently replaced, even in a password.
  if (!isUtf8(octets) || octets.includes(0)) throw new Error('it is not in UTF-8: save it as UTF-8')
  return octets.toString()
}

/** An empty file is being written just now, or its disk was full; that must not delete what it declared before. */
const readFile = (text: string, path: string): Read =>
  text === ''
    ? notRead(path, 'is empty; delete the file if what it declared should go. Until then,')
    : readObjects(text, path)

/** The value of one key of a Secret or ConfigMap; undefined where the directory does not have it. */
export function valueIn(
  directory: Directory,
  from: { readonly kind: 'Secret' | 'ConfigMap'; readonly name: Name; readonly key: string },
): Uint8Array | undefined {
  const keyed = directory.objects.find((o) => o.declares === 'keyed' && o.kind === from.kind && o.name === from.name)
  return keyed?.declares === 'keyed' ? keyed.values.get(from.key) : undefined
}

const byName = (a: Dirent, b: Dirent): number => (a.name < b.name ? -1 : 1)

type Attempt<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly read: Read }

function attempt<T>(path: string, reading: () => T): Attempt<T> {
  try {
    return { ok: true, value: reading() }
  } catch (error) {
    return { ok: false, read: notRead(path, `can not be read (${(error as Error).message});`) }
  }
}

const notRead = (path: string, why: string): Read => ({
  objects: [],
  problems: [{ file: path, line: 1, column: 1, message: `${why} what it declares stays as it is` }],
  unread: [path],
})
