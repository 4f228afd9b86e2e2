/** The folder that contestants work in. A bench begins only if it is on a disk, and if all programs that it needs are there. */
import { chmodSync, mkdtempSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { missingPackages, type Program } from '../test/local/programs.ts'

const parent = process.env['RELAYFLEET_BENCH_DIR'] ?? tmpdir()
/** The type of a file system in memory, where fsync costs nothing and proves nothing (TMPFS_MAGIC in linux/magic.h). */
const tmpfs = 0x01021994

type Needs = { readonly programs: readonly Program[]; readonly root?: true }

function whyNot({ programs, root }: Needs): string | undefined {
  const missing = missingPackages(...programs)
  if (missing.length > 0) return `packages are missing: apt-get install ${[...new Set(missing)].join(' ')}`
  if (root && process.getuid?.() !== 0) return 'Postfix changes users, so it has to be started by root'
  if (statfsSync(parent).type === tmpfs) return `${parent} is in memory; name a folder on a disk: RELAYFLEET_BENCH_DIR`
  return undefined
}

/** Makes a new folder. If `bench` can not run on this machine, this says why and ends the process with 1. */
export function benchFolder(bench: string, needs: Needs): string {
  const trouble = whyNot(needs)
  if (trouble !== undefined) {
    console.error(`${bench} can not run: ${trouble}`)
    process.exit(1)
  }
  const folder = plainFolder('relayfleet-bench-')
  // Postfix works as a user of its own, who has to be able to enter.
  chmodSync(folder, 0o755)
  return folder
}

/** A new folder for a bench that needs no other programs; it may be in memory. */
export const plainFolder = (name: string): string => mkdtempSync(join(parent, name))

/** A new folder for one contestant, in the bench's. */
export const contenderFolder = (folder: string): string => mkdtempSync(join(folder, 'contender-'))
