/** Bundles what ships, once for a test run: programs that tests start begin in less than half the time of their sources. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The variable that names the folder to the tests, see shipped.ts. */
const variable = 'RELAYFLEET_TEST_DIST'

export default (): (() => void) | undefined => {
  // Each project has it done, and the first one does it for all.
  if (process.env[variable] !== undefined) return undefined
  const dist = mkdtempSync(join(tmpdir(), 'relayfleet-dist-'))
  execFileSync(process.execPath, [join(import.meta.dirname, '../build.ts'), dist], { stdio: 'pipe' })
  writeFileSync(join(dist, 'package.json'), '{ "type": "module" }')
  process.env[variable] = dist
  return () => rmSync(dist, { recursive: true, force: true })
}
