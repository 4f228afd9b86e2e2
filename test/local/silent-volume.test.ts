/** A relay whose volume does not answer goes on, and answers for itself: that is when somebody looks. */
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { LimitsConfig } from '../../relay/config.ts'
import { makeCertificates } from '../certificates.ts'
import { freePort } from './free-port.ts'
import { message } from './message.ts'
import { installed } from './programs.ts'
import { listening, loadConfig, login, spawnRelay, writeRelay } from './relay-process.ts'
import { SmtpSession } from './smtp-session.ts'
import { tracedLater, traceNow } from './traced-later.ts'
import { until } from './until.ts'

const heldUpMs = 20_000

/** A relay that listens, and whose system calls on these paths are made to fail or to wait from then on. */
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
  const seen = join(folder, 'calls')
  const tracer = spawnRelay(folder, tracedLater(['-f', '-y', '-qq', '-o', seen, ...of, ...calls]))
  const ended = once(tracer, 'exit')
  const relay = await listening(folder, tracer)
  onTestFinished(async () => {
    process.kill(relay.pid, 'SIGKILL')
    // It would wait until the calls that it delays are over.
    tracer.kill('SIGKILL')
    await ended
  })
  await traceNow(tracer, relay)
  const open = () =>
    SmtpSession.open({ host: '127.0.0.1', port: listenPort, tls: 'StartTLS', ca: certificates.ca, login })
  /** Resolves when the relay has made such a call: without it, nothing would have been held up. `asks` is what may have it make one. */
  const called = (what: RegExp, asks = async (): Promise<unknown> => undefined): Promise<unknown> =>
    until(`${what} is called`, async () => {
      await asks()
      return what.test(readFileSync(seen, 'utf8'))
    })
  /** Moves the relay's listener to another port, which it returns. */
  const move = async (): Promise<number> => {
    const port = await freePort()
    writeRelay(folder, { ...whole, listeners: whole.listeners.map((each) => ({ ...each, port })) }, certificates)
    process.kill(relay.pid, 'SIGHUP')
    return port
  }
  return { relay, open, move, called }
}

test.runIf(installed('strace'))(
  'while the disk holds up what is noted of daily limits and of the uses of keys, all else goes on (case S20)',
  async () => {
    const hangs = `delay_enter=${1000 * heldUpMs}`
    const names = ['quotas', 'key-uses']
    const files = (data: string) => names.map((name) => join(data, name))
    const { relay, open, called } = await traced(files, [`write,writev,pwrite64,pwritev:${hangs}`], {
      daily: 50,
      warnAt: 80,
    })
    const begun = performance.now()
    const session = await open()
    const content = Buffer.from(message({ from: 'app@corp.test' }))
    void session.submit({ reversePath: 'app@corp.test', forwardPaths: ['a@other.test'], content }).catch(() => {})
    for (let round = 0; round < 3; round += 1) {
      await (await open()).quit()
      expect((await relay.status()).ready).toBe(true)
    }
    for (const name of names) await called(RegExp(`\\bp?write(?:v|64)?\\(\\d+<[^>]*/data/${name}>`))
    expect(performance.now() - begun).toBeLessThan(heldUpMs / 2)
  },
)

test.runIf(installed('strace')).each([
  ['fails', 'error=EIO'],
  ['hangs', `delay_enter=${1000 * heldUpMs}`],
])(
  'while the question how much room the volume has %s, all pages are answered, and nobody waits (cases S18, S20)',
  async (_how, fault) => {
    const { relay, called } = await traced((data) => [data, join(data, 'spool')], [`statfs:${fault}`])
    const begun = performance.now()
    // It is asked once a second at most.
    await called(/\bstatfs\(/, () => relay.metric('relayfleet_spool_free_bytes'))
    for (let round = 0; round < 3; round += 1) {
      expect(await relay.metric('relayfleet_spool_free_bytes')).toBeGreaterThan(0)
      expect((await relay.status()).ready).toBe(true)
    }
    expect(performance.now() - begun).toBeLessThan(heldUpMs / 2)
  },
)

test.runIf(installed('strace'))(
  'while the disk holds up as many calls as can be under way at a time, a new configuration is in force all the same (case S20)',
  async () => {
    vi.stubEnv('UV_THREADPOOL_SIZE', '1')
    onTestFinished(() => void vi.unstubAllEnvs())
    const hangs = `delay_enter=${1000 * heldUpMs}`
    const { relay, open, move, called } = await traced(
      (data) => [join(data, 'key-uses')],
      [`write,writev,pwrite64,pwritev:${hangs}`],
    )
    await (await open()).quit()
    await called(/\bp?write(?:v|64)?\(\d+<[^>]*\/data\/key-uses>/)
    const begun = performance.now()
    const port = await move()
    await until('the relay listens at the new port', async () =>
      (await relay.status()).listeners.some((one) => one.port === port),
    )
    expect(performance.now() - begun).toBeLessThan(heldUpMs / 2)
  },
)

test.runIf(installed('strace'))('while the disk holds up endpoints.json, all else goes on (case S20)', async () => {
  const files = (data: string) => [join(data, 'endpoints.json.tmp')]
  const { relay, move, called } = await traced(files, [`rename:delay_enter=${1000 * heldUpMs}`])
  const begun = performance.now()
  for (let round = 0; round < 2; round += 1) {
    const port = await move()
    await until('the relay listens at the new port', async () =>
      (await relay.status()).listeners.some((one) => one.port === port),
    )
  }
  for (let round = 0; round < 3; round += 1) expect((await relay.status()).ready).toBe(true)
  await called(/\brename\(/)
  expect(performance.now() - begun).toBeLessThan(heldUpMs / 2)
})
