/**
 * What tells one spool from another: a random id, written once, when a folder is first used as a spool. Who knows which
 * one a relay had can tell that it came up with another volume, or with an emptied folder (case S30).
 */
import { randomUUID } from 'node:crypto'
import type { Disk } from './disk.ts'
import { pathsOf } from './paths.ts'

const form = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * The id of the spool in this folder, which is durable when it resolves. What is no id is replaced: then the spool is
 * told as another one, which is what damage looks like.
 * @throws what the disk throws; nothing is half written then.
 */
export async function identityOf(disk: Disk, directory: string): Promise<string> {
  const { identity } = pathsOf(directory)
  const names = await disk.list(directory)
  const known = names.includes(nameOf(identity)) ? await read(disk, identity) : undefined
  return known ?? (await make(disk, directory, identity, names))
}

async function read(disk: Disk, path: string): Promise<string | undefined> {
  const file = await disk.open(path)
  try {
    const octets = Buffer.alloc(64)
    const length = await file.read(octets, 0)
    const id = octets.toString('latin1', 0, length).trim()
    return form.test(id) ? id : undefined
  } finally {
    await file.close()
  }
}

/** The name is there only when the id is on the medium: a loss of power leaves a whole one or none. */
async function make(disk: Disk, directory: string, path: string, names: readonly string[]): Promise<string> {
  const temporary = `${path}.tmp`
  if (names.includes(nameOf(temporary))) await disk.unlink(temporary)
  const id = randomUUID()
  const file = await disk.create(temporary)
  try {
    await file.write([Buffer.from(`${id}\n`)], 0)
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.rename(temporary, path)
  await disk.syncDirectory(directory)
  return id
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
