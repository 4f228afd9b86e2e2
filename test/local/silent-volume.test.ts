/** A relay whose volume does not answer goes on, and answers for itself: that is when somebody looks. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { LimitsConfig } from '../../relay/config.ts'
import { makeCertificates } from '../certificates.ts'
import { freePort } from './free-port.ts'
import { message } from './message.ts'
import { installed } from './programs.ts'
import { loadConfig, login, startRelay, writeRelay } from './relay-process.ts'
import { SmtpSession } from './smtp-session.ts'
import { until } from './until.ts'

const heldUpMs = 20_000

/** A relay whose system calls on these paths are made to fail or to wait. */
async function traced(paths: (data: string) => readonly string[], inject: readonly string[], limits?: LimitsConfig) {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-volume-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const [listenPort, nobody] = [await freePort(), await freePort()]
  const { credentials, ...config } = loadConfig({ listenPort, smarthostPort: nobody, maxConnections: 1 })
  const certificates = await makeCertificates(['127.0.0.1'])
  const limited = credentials.map((credential) => ({ ...credential, ...(limits && { limits }) }))
  const whole = { ...config, credentials: limited }
  writeRelay(folder, whole, certificates)
  const of = paths(join(folder, 'data')).flatMap((path) => ['-P', path])
  const calls = inject.flatMap((call) => ['-e', `inject=${call}`])
  const relay = await startRelay(folder, ['strace', '-f', '-qq', '-o', '/dev/null', ...of, ...calls])
  onTestFinished(async () => void (await relay.end('SIGKILL')))
  const open = () =>
    SmtpSession.open({ host: '127.0.0.1', port: listenPort, tls: 'StartTLS', ca: certificates.ca, login })
  /** Moves the relay's listener to another port, which it returns. */
  const move = async (): Promise<number> => {
    const port = await freePort()
    writeRelay(folder, { ...whole, listeners: whole.listeners.map((each) => ({ ...each, port })) }, certificates)
    process.kill(relay.pid, 'SIGHUP')
    return port
  }
  return { relay, open, move }
}

test.runIf(installed('strace'))(
  'while the disk holds up what is noted of daily limits and of the uses of keys, all else goes on (case S20)',
  async () => {
    const hangs = `delay_enter=${1000 * heldUpMs}`
    const files = (data: string) => ['quotas', 'key-uses'].map((name) => join(data, name))
    const { relay, open } = await traced(files, [`write,writev,pwrite64,pwritev:${hangs}`], { daily: 50, warnAt: 80 })
    const begun = performance.now()
    const session = await open()
    const content = Buffer.from(message({ from: 'app@corp.test' }))
    void session.submit({ reversePath: 'app@corp.test', forwardPaths: ['a@other.test'], content }).catch(() => {})
    for (let round = 0; round < 3; round += 1) {
      await (await open()).quit()
      expect((await relay.status()).ready).toBe(true)
    }
    expect(performance.now() - begun).toBeLessThan(heldUpMs / 2)
  },
)

test.runIf(installed('strace')).each([
  ['fails', 'error=EIO'],
  ['hangs', `delay_enter=${1000 * heldUpMs}`],
])(
  'while the question how much room the volume has %s, all pages are answered, and nobody waits (cases S18, S20)',
  async (_how, fault) => {
    // The first call is that of the start, and goes through.
    const { relay } = await traced((data) => [data, join(data, 'spool')], [`statfs:${fault}:when=2+`])
    const begun = performance.now()
    for (let round = 0; round < 3; round += 1) {
      expect(await relay.metric('relayfleet_spool_free_bytes')).toBeGreaterThan(0)
      expect((await relay.status()).ready).toBe(true)
    }
    expect(performance.now() - begun).toBeLessThan(heldUpMs / 2)
  },
)

test.runIf(installed('strace'))('while the disk holds up endpoints.json, all else goes on (case S20)', async () => {
  const files = (data: string) => [join(data, 'endpoints.json.tmp')]
  // The first call is that of the start, and goes through.
  const { relay, move } = await traced(files, [`rename:delay_enter=${1000 * heldUpMs}:when=2+`])
  const begun = performance.now()
  for (let round = 0; round < 2; round += 1) {
    const port = await move()
    await until('the relay listens at the new port', async () =>
      (await relay.status()).listeners.some((one) => one.port === port),
    )
  }
  for (let round = 0; round < 3; round += 1) expect((await relay.status()).ready).toBe(true)
  expect(performance.now() - begun).toBeLessThan(heldUpMs / 2)
})
