/** A relay that is started as it ships sends no TLS session ticket, be it run from this source or from the bundle. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { makeCertificates } from '../certificates.ts'
import { bundleRelay } from './bundle.ts'
import { freePort } from './free-port.ts'
import { installed, programFile } from './programs.ts'
import { loadConfig, startRelay, writeRelay } from './relay-process.ts'

/** All that openssl prints of a session, to the reply to QUIT. */
function sessionWith(port: number, version: string): string {
  const options = ['-connect', `127.0.0.1:${port}`, '-starttls', 'smtp', version, '-msg', '-crlf', '-ign_eof']
  const openssl = programFile('openssl') ?? 'openssl'
  return spawnSync(openssl, ['s_client', ...options], { input: 'QUIT\n', encoding: 'utf8', timeout: 30_000 }).stdout
}

describe.runIf(installed('openssl'))('TLS', () => {
  test.each([
    ['the source', '-tls1_3'],
    ['the source', '-tls1_2'],
    ['the bundle', '-tls1_3'],
  ])('a client of a relay that runs from %s gets no session ticket (%s)', async (what, version) => {
    const folder = mkdtempSync(join(tmpdir(), 'relayfleet-tickets-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const listenPort = await freePort()
    const way = { listenPort, smarthostPort: await freePort(), maxConnections: 1 }
    writeRelay(folder, loadConfig(way), await makeCertificates(['localhost']))
    const main = what === 'the bundle' ? bundleRelay(join(folder, 'dist')) : undefined
    const relay = await startRelay(folder, [], main)
    onTestFinished(async () => void (await relay.end('SIGTERM')))
    const told = sessionWith(listenPort, version)
    expect(told).toContain('221 2.0.0 Bye')
    expect(told).toMatch(/Handshake \[length [0-9a-f]+\], Finished/)
    expect(told).not.toContain('NewSessionTicket')
  })
})
