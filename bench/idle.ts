/** What a relay weighs at rest, and with 1,000 sessions that are logged in and silent: `npm run bench:idle`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeCertificates } from '../test/certificates.ts'
import { bundleRelay } from '../test/local/bundle.ts'
import { freePort } from '../test/local/free-port.ts'
import { accessTo, loadConfig, startRelay, writeRelay } from '../test/local/relay-process.ts'
import { settledWeight, weightWithSessions } from './memory.ts'
import type { Weight } from './results.ts'

const folder = mkdtempSync(join(tmpdir(), 'relayfleet-idle-'))
const certificates = await makeCertificates(['127.0.0.1'])
const listenPort = await freePort()
writeRelay(folder, loadConfig({ listenPort, smarthostPort: await freePort(), maxConnections: 20 }), certificates)
const relay = await startRelay(folder, [], bundleRelay(join(folder, 'dist')))

/**
 * In MB of 10^6 octets: the resident set, and the proportional set, in which a page that processes share counts for each of them
 * in part.
 */
const inMegabytes = ({ rssBytes, pssBytes }: Weight) => ({
  rss: Math.round(rssBytes / 1e6),
  pss: Math.round(pssBytes / 1e6),
})
try {
  const atRest = inMegabytes(await settledWeight(relay.pid))
  const withSessions = inMegabytes(await weightWithSessions(relay.pid, accessTo(listenPort, certificates)))
  console.table({ 'at rest': atRest, 'with 1,000 idle TLS sessions': withSessions })
} finally {
  await relay.end('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
}
