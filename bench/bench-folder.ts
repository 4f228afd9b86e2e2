/** The folder that contestants work in: on a disk, and with all that they need beside it, or the bench does not begin. */
import { chmodSync, mkdtempSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { missingPackages, type Program } from '../test/local/programs.ts'

const parent = process.env['RELAYFLEET_BENCH_DIR'] ?? tmpdir()
/** Where fsync costs nothing and proves nothing (linux/magic.h). */
const tmpfs = 0x01021994

type Needs = { readonly programs: readonly Program[]; readonly root?: true }

function whyNot({ programs, root }: Needs): string | undefined {
  const missing = missingPackages(...programs)
  if (missing.length > 0) return `packages are missing: apt-get install ${[...new Set(missing)].join(' ')}`
  if (root && process.getuid?.() !== 0) return 'Postfix changes users, so it has to be started by root'
  if (statfsSync(parent).type === tmpfs) return `${parent} is in memory; name a folder on a disk: RELAYFLEET_BENCH_DIR`
  return undefined
}

/** A new one. `bench` ends here, and says why, where it can not run on this machine. */
export function benchFolder(bench: string, needs: Needs): string {
  const trouble = whyNot(needs)
  if (trouble !== undefined) {
    console.error(`${bench} can not run: ${trouble}`)
    process.exit(1)
  }
  const folder = plainFolder('relayfleet-bench-')
  // Postfix works as a user of its own, who has to get in.
  chmodSync(folder, 0o755)
  return folder
}

/** Of a bench that needs nothing, on whatever there is. */
export const plainFolder = (name: string): string => mkdtempSync(join(parent, name))

/** One contestant's. */
export const contenderFolder = (folder: string): string => mkdtempSync(join(folder, 'contender-'))
