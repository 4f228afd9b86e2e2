/** Files that others read while they are written: whole or not at all, and left alone when nothing changed. */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** The text of a file, or undefined when it is not there or can not be read. */
export const textOf = (path: string): string | undefined => bytesOf(path)?.toString('utf8')

/**
 * The text of a file that is made when it is not there; undefined only then.
 * @throws Error naming one that is there and can not be read: a new one would take its place for good.
 */
export function keptText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new Error(
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

/**
 * Writes beside and renames, for the owner's eyes only. Returns whether the content changed. `derived` is what can be
 * made again from the rest, and need not survive the loss of power.
 */
export function replaceFile(
  path: string,
  content: string | Uint8Array,
  keep: 'durable' | 'derived' = 'durable',
): boolean {
  const bytes = Buffer.from(content)
  if (bytesOf(path)?.equals(bytes)) return false
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const beside = `${path}.tmp`
  rmSync(beside, { force: true })
  const file = openSync(beside, 'wx', 0o600)
  try {
    // All of it or an error: a single write may end where the disk is full, and say no more than how far it got.
    writeFileSync(file, bytes)
    if (keep === 'durable') fsyncSync(file)
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
  renameSync(beside, path)
  return true
}
