/** A relay whose log nobody reads stays ready, answers for itself, and ends when it is asked to. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeCertificates } from '../certificates.ts'
import { freePort } from './free-port.ts'
import { loadConfig, startRelay, writeRelay } from './relay-process.ts'

/** So many clients cost the log more lines than a pipe and the relay keep together. */
const strangers = 600

/** Makes more errors than a session may have (ten), so that the relay ends it. */
async function stranger(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'data', { signal: AbortSignal.timeout(10_000) })
  socket.write(`EHLO client.test\r\n${'MAIL FROM:<a@corp.test>\r\n'.repeat(12)}`)
  await once(socket, 'close', { signal: AbortSignal.timeout(10_000) })
}

test('strangers who fill a log that nobody reads keep a relay neither from being ready nor from ending (case R20)', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-unread-log-'))
  const certificates = await makeCertificates(['127.0.0.1'])
  const [listenPort, nobody] = [await freePort(), await freePort()]
  writeRelay(folder, loadConfig({ listenPort, smarthostPort: nobody, maxConnections: 1 }), certificates)
  const log = join(folder, 'log')
  execFileSync('mkfifo', [log])
  const unread = openSync(log, constants.O_RDONLY | constants.O_NONBLOCK)
  const relay = await startRelay(folder, ['sh', '-c', `exec "$0" "$@" >${log}`])
  onTestFinished(async () => {
    await relay.end('SIGKILL').catch(() => undefined)
    closeSync(unread)
    rmSync(folder, { recursive: true, force: true })
  })
  for (let i = 0; i < strangers; i++) await stranger(listenPort)
  expect(await relay.metric('relayfleet_log_lines_lost_total')).toBeGreaterThan(0)
  expect((await relay.status()).ready).toBe(true)
  expect(await relay.end('SIGTERM')).toBe(0)
})
