/** A relay that starts again tells its whole queue from its first answer on, since an empty queue may cost it its volume. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeCertificates } from '../certificates.ts'
import { freePort } from './free-port.ts'
import { inQueue } from './in-queue.ts'
import { startLoad } from './load.ts'
import { installed } from './programs.ts'
import { recordMessages } from './recorded-messages.ts'
import { accessTo, loadConfig, type Relay, startRelay, writeRelay } from './relay-process.ts'

/** Delays every rename by 0.3 s, so that there is time to ask while the relay still starts. */
const slowDisk = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'inject=rename:delay_enter=300000']

test.runIf(installed('strace'))('the first answer of a relay that starts again has the queue of before', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-restart-'))
  const certificates = await makeCertificates(['127.0.0.1'])
  const [listenPort, nobody] = [await freePort(), await freePort()]
  writeRelay(folder, loadConfig({ listenPort, smarthostPort: nobody, maxConnections: 1 }), certificates)
  let relay: Relay = await startRelay(folder)
  onTestFinished(async () => {
    await relay.end('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  const messages = recordMessages()
  let left = 20
  const next = () => (left-- > 0 ? messages.next() : undefined)
  await startLoad({ access: accessTo(listenPort, certificates), sessions: 4, next, tell: messages.tell }).done
  expect(messages.refused).toEqual([])
  for (const signal of ['SIGKILL', 'SIGTERM', 'SIGKILL'] as const) {
    await relay.end(signal)
    relay = await startRelay(folder, slowDisk)
    expect(inQueue(await relay.status())).toBeGreaterThanOrEqual(20)
  }
})
