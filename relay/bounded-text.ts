/** A file of ours, read whole as text. A damaged file system may say that it has more than there is memory. */
import { readFileSync, statSync } from 'node:fs'
import { readable } from './spool/disk.ts'

/** UTF-8. @throws the system's error, or what says that it has more than `mostBytes` octets */
export function boundedText(path: string, mostBytes: number): string {
  const { size } = statSync(path)
  if (size > mostBytes) throw new Error(`it has ${size} octets, and ours has ${mostBytes} at most`)
  return readFileSync(path, { encoding: 'utf8', flag: readable })
}
