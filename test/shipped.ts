/** The programs that tests start as processes of their own: those that ship, where the test run has bundled them, or else their sources. */
import { join } from 'node:path'

const dist = process.env['RELAYFLEET_TEST_DIST']
const program = (bundle: string, source: string): string =>
  dist === undefined ? join(import.meta.dirname, '..', source) : join(dist, bundle)

export const cli = program('relayfleet.js', 'operator/cli.ts')
export const relayMain = program('relay.js', 'relay/main.ts')
