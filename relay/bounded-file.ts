/** Reads a whole file, with a bound: a pipe or a device in its place holds nobody up, and no size that a file claims takes all memory. */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { readable } from './spool/disk.ts'

/** The octets of the file. @throws the system's error, or an Error that it is no file, or has more than `mostBytes` octets. */
export function boundedOctets(path: string, mostBytes: number): Buffer {
  const file = openSync(path, readable)
  try {
    const stats = fstatSync(file)
    // For a folder the read below fails with EISDIR, which says more than ours.
    if (!stats.isFile() && !stats.isDirectory()) throw new Error('it is no file')
    if (stats.size > mostBytes) throw new Error(`it has ${stats.size} octets, and ours has ${mostBytes} at most`)
    return readFileSync(file)
  } finally {
    closeSync(file)
  }
}

/** The file's text in UTF-8. @throws likewise. */
export const boundedText = (path: string, mostBytes: number): string => boundedOctets(path, mostBytes).toString()
