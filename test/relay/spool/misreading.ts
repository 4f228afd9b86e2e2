/** The real disk, of which a read comes otherwise than what lies there: so a network errs, or a memory. */
import { type Disk, type DiskFile, nodeDisk } from '../../../relay/spool/disk.ts'

/** `spoil` changes what was read of a file, or does not. */
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
