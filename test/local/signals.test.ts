/** A relay obeys a signal at any moment: also while it starts, or while its disk holds something up. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { constants, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { makeCertificates } from '../certificates.ts'
import { onTestFinished } from '../own-test.ts'
import { freePort } from './free-port.ts'
import { installed } from './programs.ts'
import { accessTo, listening, loadConfig, senderDomain, spawnRelay, startRelay, writeRelay } from './relay-process.ts'
import { SmtpSession } from './smtp-session.ts'
import { until } from './until.ts'

async function folderOf() {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-signals-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const certificates = await makeCertificates(['127.0.0.1'])
  const [listenPort, smarthostPort] = [await freePort(), await freePort()]
  const config = loadConfig({ listenPort, smarthostPort, maxConnections: 1 })
  const write = (hostname: string) => writeRelay(folder, { ...config, hostname }, certificates)
  const writeSmarthost = (host: string) => {
    const routes = config.routes.map((r) => ({ ...r, smarthosts: r.smarthosts.map((one) => ({ ...one, host })) }))
    writeRelay(folder, { ...config, routes }, certificates)
  }
  write('relay.test')
  const access = accessTo(listenPort, certificates)
  return { folder, listenPort, write, writeSmarthost, data: join(folder, 'data'), access }
}

/** A relay that has begun to start, and waits for its disk, which answers later. */
async function starting(answersInMs = 2500) {
  const { folder, data, ...rest } = await folderOf()
  const identity = join(data, 'spool/identity')
  mkdirSync(dirname(identity), { recursive: true })
  writeFileSync(identity, '')
  const hangs = ['-P', identity, '-e', `inject=openat:delay_enter=${1000 * answersInMs}`]
  const calls = join(folder, 'calls')
  const tracer = spawnRelay(folder, ['strace', '-f', '-qq', '-o', calls, ...hangs])
  const ended = new Promise<number | null>((resolve) => tracer.once('exit', resolve))
  const holder = join(data, 'spool/lock.holder')
  // It has the lock of its spool before that.
  await until(
    'the relay waits for the disk',
    () => existsSync(calls) && readFileSync(calls, 'utf8').includes('openat('),
  )
  const pid = Number(/process (\d+) /.exec(readFileSync(holder, 'utf8'))?.[1])
  onTestFinished(async () => {
    if (tracer.exitCode === null && !hasEnded(pid)) process.kill(pid, 'SIGKILL')
    tracer.kill('SIGKILL')
    await ended
  })
  return { ...rest, folder, tracer, pid, ended }
}

test.runIf(installed('strace'))(
  'SIGHUP while a relay starts does not end it, and the changed configuration is in force (case R22)',
  { concurrent: true },
  async () => {
    const { folder, tracer, pid, write } = await starting()
    write('changed.test')
    process.kill(pid, 'SIGHUP')
    const { status } = await listening(folder, tracer)
    const hostname = () => JSON.parse(readFileSync(join(folder, 'data/last-good.json'), 'utf8')).config.hostname
    await until(
      'the changed configuration is in force',
      async () => hostname() === 'changed.test' && (await status()).configError === undefined,
    )
  },
)

test.runIf(installed('strace'))(
  'SIGTERM while a relay starts ends it in order, by a handler of its own, since the system ends no first process of a pod (case R22)',
  { concurrent: true },
  async () => {
    const { folder, pid, ended } = await starting()
    process.kill(pid, 'SIGTERM')
    expect(await ended).toBe(0)
    const log = () => readFileSync(join(folder, 'relay.log'), 'utf8')
    expect(log()).toContain('"msg":"stopping"')
    expect(log()).not.toContain('listening')
  },
)

test.runIf(installed('strace'))(
  'SIGTERM ends a relay also while the disk holds up its start without an end, and that is told (case R22)',
  { concurrent: true },
  async () => {
    const { folder, pid } = await starting(60_000)
    process.kill(pid, 'SIGTERM')
    await until('the relay has ended', () => hasEnded(pid), 15_000)
    expect(readFileSync(join(folder, 'relay.log'), 'utf8')).toContain('a call to the disk hangs; ended without it')
  },
)

test.concurrent.each([
  'SIGTERM',
  'SIGINT',
] as const)('a relay that is asked to end once more, by %s, still finishes what is in flight (case S27)', async (signal) => {
  const { folder, listenPort, access } = await folderOf()
  const relay = await startRelay(folder)
  const session = await SmtpSession.open(access)
  await session.expect(session.command(`MAIL FROM:<app@${senderDomain}>`), 250)
  await session.expect(session.command('RCPT TO:<one@other.test>'), 250)
  await session.expect(session.command('DATA'), 354)
  const ended = relay.end(signal)
  await until('the relay takes no more clients', () => isRefused(listenPort))
  process.kill(relay.pid, signal)
  session.write(`From: app@${senderDomain}\r\n\r\nhello\r\n.\r\n`)
  await session.expect(session.reply(), 250)
  expect(await ended).toBe(0)
})

test.concurrent('SIGUSR1 opens no debugger, and ends no relay (case R22)', async () => {
  const { folder } = await folderOf()
  const relay = await startRelay(folder)
  expect(isCaught(relay.pid, constants.signals.SIGUSR1), 'by the handler of Node that opens one').toBe(false)
  expect(isCaught(relay.pid, constants.signals.SIGTERM)).toBe(true)
  process.kill(relay.pid, 'SIGUSR1')
  expect((await relay.status()).ready).toBe(true)
  expect(await relay.end('SIGTERM')).toBe(0)
})

/** Delays the rename by which the copy of each configuration gets its name: each, since strace counts the calls of each thread. */
const slowDisk = (data: string, byMs: number): readonly string[] => {
  const ofTheCopy = ['-P', join(data, 'last-good.json.tmp'), '-e', `inject=rename:delay_enter=${1000 * byMs}`]
  return ['strace', '-f', '-qq', '-o', '/dev/null', ...ofTheCopy]
}

test.runIf(installed('strace'))(
  'a relay that is asked to end while the disk holds up its reload takes no more clients, and ends in order (case R22)',
  { concurrent: true },
  async () => {
    const { folder, data, listenPort, write } = await folderOf()
    const relay = await startRelay(folder, slowDisk(data, 4000))
    const hashKept = () => JSON.parse(readFileSync(join(data, 'last-good.json'), 'utf8')).hash
    const { hash } = await relay.status()
    write('changed.test')
    await until('the reload has begun', async () => (await relay.status()).hash !== hash)
    const ended = relay.end('SIGTERM')
    await until('the relay takes no more clients', () => isRefused(listenPort))
    expect(hashKept(), 'the disk still holds the reload up').toBe(hash)
    expect(await ended).toBe(0)
  },
)

test.runIf(installed('strace'))(
  'a relay ends in order though its lock can not be closed without an error, as on a volume that is away (case S27)',
  { concurrent: true },
  async () => {
    const { folder, data } = await folderOf()
    const fails = ['-P', join(data, 'spool/lock'), '-e', 'inject=close:error=EIO']
    const calls = join(folder, 'calls')
    const relay = await startRelay(folder, ['strace', '-f', '-qq', '-o', calls, ...fails])
    expect(await relay.end('SIGTERM')).toBe(0)
    expect(readFileSync(calls, 'utf8')).toContain('(INJECTED)')
    expect(readFileSync(join(folder, 'relay.log'), 'utf8')).not.toContain('EIO')
  },
)

/** Delays the close of a file, at which a volume of another machine may write the last octets. */
const slowEnd = (data: string, byMs: number): readonly string[] => {
  const ofTheFile = ['-P', join(data, 'open-attempts'), '-e', `inject=close:delay_enter=${1000 * byMs}`]
  return ['strace', '-f', '-qq', '-o', '/dev/null', ...ofTheFile]
}

test.runIf(installed('strace')).concurrent.each([
  ['the rename of a copy of the configuration', slowDisk],
  ['the close of a file', slowEnd],
])('a relay that has finished its work ends though a call to the disk hangs (case S27): %s', async (_when, slow) => {
  const { folder, data } = await folderOf()
  const tracer = spawnRelay(folder, slow(data, 60_000))
  onTestFinished(() => void tracer.kill('SIGKILL'))
  const { pid } = await listening(folder, tracer)
  process.kill(pid, 'SIGTERM')
  await until('the relay has ended', () => hasEnded(pid), 25_000)
  expect(readFileSync(join(folder, 'relay.log'), 'utf8')).toContain('a call to the disk hangs; ended without it')
})

test.runIf(installed('strace'))(
  'a relay that has finished its work ends though a resolver does not answer (case S27)',
  { concurrent: true },
  async () => {
    const { folder, access, writeSmarthost } = await folderOf()
    writeSmarthost('localhost')
    const ofLookUps = ['-P', '/etc/hosts', '-e', 'inject=openat:delay_enter=60000000']
    const tracer = spawnRelay(folder, ['strace', '-f', '-qq', '-o', '/dev/null', ...ofLookUps])
    onTestFinished(() => void tracer.kill('SIGKILL'))
    const { pid, status } = await listening(folder, tracer)
    const session = await SmtpSession.open(access)
    const content = Buffer.from(`From: app@${senderDomain}\r\n\r\nhello\r\n`)
    await session.submit({ reversePath: `app@${senderDomain}`, forwardPaths: ['one@other.test'], content })
    session.close()
    await until('the smarthost is looked up', async () => (await status()).queue.inFlight === 1)
    writeSmarthost('127.0.0.1')
    await until('the message waits', async () => (await status()).queue.deferred === 1)
    process.kill(pid, 'SIGTERM')
    await until('the relay has ended', () => hasEnded(pid), 25_000)
    expect(readFileSync(join(folder, 'relay.log'), 'utf8')).not.toContain('hangs')
  },
)

/** An ended process is a zombie until its tracer asks for it, which it does when the delay of the call is over. */
const hasEnded = (pid: number): boolean => /State:\tZ/.test(readFileSync(`/proc/${pid}/status`, 'utf8'))

/** Whether the process has a handler for the signal. */
const isCaught = (pid: number, signal: number): boolean => {
  const [, caught] = /SigCgt:\t(\w+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return ((BigInt(`0x${caught}`) >> BigInt(signal - 1)) & 1n) === 1n
}

const isRefused = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(true)).once('connect', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
