/** The YAML directory as it stands on disk now: its objects, its problems, and the values that only a sink may see. */
import { isUtf8 } from 'node:buffer'
import { type Dirent, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Name } from '../compile/snapshot.ts'
import { joinReads, type LocatedObject, type LocatedProblem, type Read, readObjects } from './objects.ts'

export type Directory = {
  readonly objects: readonly LocatedObject[]
  readonly problems: readonly LocatedProblem[]
  /** What could not be read or understood; an object that is missing may be in there. */
  readonly unread: readonly string[]
  /** Objects that were there a moment ago: their absence is not believed yet. */
  readonly doubted: readonly string[]
  /** Every folder that was looked into, and each file behind a link: what has to be watched. */
  readonly watched: readonly string[]
}

/**
 * Reads every .yaml and .yml file below `root`, in order; folders that begin with a dot and `leftOut` are not entered.
 * A folder that several links lead to is entered once.
 */
export function readDirectory(root: string, leftOut: string): Directory {
  const watched: string[] = []
  const reads: Read[] = []
  const entered = new Set<string>()
  const left = realpathOf(leftOut)
  const enter = (folder: string): void => {
    const real = realpathOf(folder)
    if (entered.has(real) || (folder !== root && real === left)) return
    entered.add(real)
    watched.push(folder)
    const entries = attempt(folder, () => readdirSync(folder, { withFileTypes: true }))
    if (!entries.ok) reads.push(entries.read)
    else for (const entry of entries.value.toSorted(byName)) visit(folder, entry)
  }
  const visit = (folder: string, entry: Dirent): void => {
    const path = join(folder, entry.name)
    if (entry.name.startsWith('.')) return
    if (entry.isDirectory() || (entry.isSymbolicLink() && isFolder(path))) enter(path)
    else if (/\.ya?ml$/.test(entry.name)) {
      // It changes in another folder.
      if (entry.isSymbolicLink()) watched.push(path)
      const text = attempt(path, () => textOfFile(path))
      reads.push(text.ok ? readFile(text.value, path) : text.read)
    }
  }
  enter(root)
  return { ...joinReads(reads), doubted: [], watched }
}

/** What is not there is told by who reads it. */
function realpathOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return resolve(path)
  }
}

/** A link that leads nowhere declares nothing, unless it is called like a file of ours. */
function isFolder(link: string): boolean {
  try {
    return statSync(link).isDirectory()
  } catch {
    return false
  }
}

/** Reading a pipe or a device would wait for ever. */
function textOfFile(path: string): string {
  if (!statSync(path).isFile()) throw new Error('it is no regular file')
  const octets = readFileSync(path)
  // What is not would be replaced, in a password as well.
  if (!isUtf8(octets) || octets.includes(0)) throw new Error('it is not in UTF-8: save it in that')
  return octets.toString()
}

/** A file without an octet was being written, or its disk was full: nobody declares that way that all is to go. */
const readFile = (text: string, path: string): Read =>
  text === ''
    ? notRead(path, 'is empty; delete the file if what it declared is to go, until then')
    : readObjects(text, path)

/** The value of one key, where the directory has it. */
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
