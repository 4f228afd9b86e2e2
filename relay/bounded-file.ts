/** A file that is read whole. What is none, as a pipe, keeps nobody waiting, and none has more octets than there is memory. */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { readable } from './spool/disk.ts'

/** @throws the system's error, or what says that it is no file, or has more than `mostBytes` octets */
export function boundedOctets(path: string, mostBytes: number): Buffer {
  const file = openSync(path, readable)
  try {
    const stats = fstatSync(file)
    // Reading says of a folder that it is one.
    if (!stats.isFile() && !stats.isDirectory()) throw new Error('it is no file')
    if (stats.size > mostBytes) throw new Error(`it has ${stats.size} octets, and ours has ${mostBytes} at most`)
    return readFileSync(file)
  } finally {
    closeSync(file)
  }
}

/** UTF-8. @throws likewise */
export const boundedText = (path: string, mostBytes: number): string => boundedOctets(path, mostBytes).toString()
