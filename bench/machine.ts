/** The machine and the revision that were measured; they are kept beside all figures. */
import { spawnSync } from 'node:child_process'
import { cpus, release } from 'node:os'

export const machine = { cpu: cpus()[0]?.model, cores: cpus().length, kernel: release(), node: process.version }

/** The commit that is measured, with the mark `-dirty` if files were changed since. */
export const revision = (): string =>
  spawnSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8', cwd: import.meta.dirname }).stdout.trim()
