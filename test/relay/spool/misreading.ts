/** The real disk, from which a read may return something else than is on it, as a bad network or memory makes it. */
import { type Disk, type DiskFile, nodeDisk } from '../../../relay/spool/disk.ts'

/** `spoil` may change the octets that were read from a file. */
export function misreading(spoil: (path: string, octets: Buffer) => void): Disk {
  const open = async (path: string): Promise<DiskFile> => {
    const file = await nodeDisk.open(path)
    const read = async (into: Buffer, position: number): Promise<number> => {
      const got = await file.read(into, position)
      spoil(path, into)
      return got
    }
    return { ...file, read }
  }
  return { ...nodeDisk, open }
}
