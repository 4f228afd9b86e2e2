/** Reads and replaces files that others read at the same time: a reader sees the old or the new content as a whole. */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'

/** The text of a file, or undefined when it is not there or can not be read. */
export const textOf = (path: string): string | undefined => bytesOf(path)?.toString('utf8')

/** Whether the system says that there is nothing: only that is no sign of trouble. */
export const isAbsent = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'

/** Whether something is there, or may be, since the system does not say. */
export function mayBeThere(path: string): boolean {
  try {
    statSync(path)
    return true
  } catch (error) {
    return !isAbsent(error)
  }
}

/** What is there and can not be read, which must not look as if it were not there. */
export class Unread extends Error {}

/**
 * The text of a file; undefined only where the file does not exist, so that the caller may make it.
 * @throws Unread where the file exists but can not be read: making it anew would overwrite it for good.
 */
export function keptText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (isAbsent(error)) return undefined
    const { code, message } = error as NodeJS.ErrnoException
    throw new Unread(
      `${path} is there and can not be read (${code ?? message}); make it readable, or remove it to get a new one`,
    )
  }
}

function bytesOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}

type Keep = 'durable' | 'derived'

/**
 * Writes a temporary file and renames it; only its owner may read it. Returns whether the content changed, and writes nothing
 * where it did not. `derived` content can be made again from other files, so it is not fsynced.
 */
export function replaceFile(path: string, content: string | Uint8Array, keep: Keep = 'durable'): boolean {
  return replaceFiles(new Map([[path, content]]), keep).length > 0
}

/**
 * Replaces files that belong together, as a username and its password: none of them before the disk has all, since it may take
 * long for each. Returns the paths whose content changed. @throws Error where one can not be written; then none is replaced.
 */
export function replaceFiles(
  contents: ReadonlyMap<string, string | Uint8Array>,
  keep: Keep = 'durable',
): readonly string[] {
  const changed = [...contents].filter(([path, content]) => !bytesOf(path)?.equals(Buffer.from(content)))
  const paths = changed.map(([path]) => path)
  try {
    for (const [path, content] of changed) writeBeside(path, content, keep)
  } catch (error) {
    for (const path of paths) rmSync(besideOf(path), { force: true })
    throw error
  }
  for (const path of paths) renameSync(besideOf(path), path)
  return paths
}

const besideOf = (path: string): string => `${path}.tmp`

function writeBeside(path: string, content: string | Uint8Array, keep: Keep): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  rmSync(besideOf(path), { force: true })
  const file = openSync(besideOf(path), 'wx', 0o600)
  try {
    // writeFileSync writes all or throws; a plain write may stop short on a full disk without an error.
    writeFileSync(file, content)
    if (keep === 'durable') fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
