/** Lists the shared libraries that a program needs, the dynamic loader among them, by `ldd`. */
import { spawnSync } from 'node:child_process'

/** `libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x7f…)`, or the loader's own line without an arrow. */
const libraryLine = /^\s*(?:\S+ => )?(\/\S+) \(0x[0-9a-f]+\)$/gm

/**
 * As absolute paths. Links are not followed: these are the paths at which the loader will look.
 * @throws Error where there is no ldd (the image is for Linux), or a library is missing.
 */
export function sharedLibraries(program: string): readonly string[] {
  const { status, stdout } = spawnSync('ldd', [program], { encoding: 'utf8' })
  if (status !== 0)
    throw new Error(`ldd ${program} failed; packing the image needs Linux: elsewhere use the Dockerfile`)
  if (stdout.includes('not found')) throw new Error(`${program} lacks a library:\n${stdout}`)
  return [...stdout.matchAll(libraryLine)].map(([, file]) => file ?? '')
}
