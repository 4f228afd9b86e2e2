/** Builds the bundles that ship, into a folder of the test's own. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

/**
 * The path of the relay's bundle.
 * @throws Error with what esbuild said.
 */
export function bundleRelay(into: string): string {
  const { status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, '../../build.ts'), into])
  if (status !== 0) throw new Error(`the bundle could not be built: ${stderr}`)
  return join(into, 'relay.js')
}
