/**
 * What tells one spool from another: a random id, written once, when a folder is first used as a spool. Who knows which
 * one a relay had can tell that it came up with another volume, or with an emptied folder (case S30).
 */
import { randomUUID } from 'node:crypto'
import { basename } from 'node:path'
import type { Disk } from './disk.ts'
import { pathsOf } from './paths.ts'
import { replaceFile } from './replace-file.ts'

const form = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * The id of the spool in this folder, which is durable when it resolves. A file that holds no id gets a new one: the spool then
 * counts as another one, and whoever compares the two notices the damage.
 * @throws what the disk throws; nothing is half written then.
 */
export async function identityOf(disk: Disk, directory: string): Promise<string> {
  const { identity } = pathsOf(directory)
  const isThere = (await disk.list(directory)).includes(basename(identity))
  const known = isThere ? await read(disk, identity) : undefined
  if (known !== undefined) return known
  const id = randomUUID()
  await replaceFile(disk, identity, `${id}\n`)
  return id
}

/** Whether the folder has another id by now; not where that can not be told. */
export async function isAnother(disk: Disk, directory: string, id: string): Promise<boolean> {
  const found = await read(disk, pathsOf(directory).identity).catch(() => undefined)
  return found !== undefined && found !== id
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
