/** A volume that does not say how much room it has is no reason to stop, or to say nothing: just then somebody looks. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeCertificates } from '../certificates.ts'
import { freePort } from './free-port.ts'
import { installed } from './programs.ts'
import { loadConfig, startRelay, writeRelay } from './relay-process.ts'

const heldUpMs = 20_000

test.runIf(installed('strace')).each([
  ['fails', 'error=EIO'],
  ['hangs', `delay_enter=${1000 * heldUpMs}`],
])('while the question for its room %s, all pages are told, and nobody waits (cases S18, S20)', async (_how, fault) => {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-volume-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const [listenPort, nobody] = [await freePort(), await freePort()]
  const config = loadConfig({ listenPort, smarthostPort: nobody, maxConnections: 1 })
  writeRelay(folder, config, await makeCertificates(['127.0.0.1']))
  const data = join(folder, 'data')
  const paths = [data, join(data, 'spool')].flatMap((path) => ['-P', path])
  // The first is that of the start.
  const inject = `inject=statfs:${fault}:when=2+`
  const relay = await startRelay(folder, ['strace', '-f', '-qq', '-o', '/dev/null', ...paths, '-e', inject])
  onTestFinished(async () => void (await relay.end('SIGKILL')))
  const begun = performance.now()
  for (let round = 0; round < 3; round += 1) {
    expect(await relay.metric('relayfleet_spool_free_bytes')).toBeGreaterThan(0)
    expect((await relay.status()).ready).toBe(true)
  }
  expect(performance.now() - begun).toBeLessThan(heldUpMs / 2)
})
