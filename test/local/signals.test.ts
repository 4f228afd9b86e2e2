/** A signal finds a relay at any moment: also while it starts, or while a disk holds up what it is about. */
import { execFileSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeCertificates } from '../certificates.ts'
import { freePort } from './free-port.ts'
import { installed } from './programs.ts'
import { listening, loadConfig, spawnRelay, startRelay, writeRelay } from './relay-process.ts'
import { until } from './until.ts'

async function folderOf() {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-signals-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const certificates = await makeCertificates(['127.0.0.1'])
  const [listenPort, smarthostPort] = [await freePort(), await freePort()]
  const config = loadConfig({ listenPort, smarthostPort, maxConnections: 1 })
  const write = (hostname: string) => writeRelay(folder, { ...config, hostname }, certificates)
  write('relay.test')
  return { folder, listenPort, write, data: join(folder, 'data') }
}

/** Who opens it waits, as for a disk that hangs, until it is let go. */
function hanging(path: string): () => void {
  execFileSync('mkfifo', [path])
  return () => {
    const fd = openSync(path, 'r+')
    onTestFinished(() => closeSync(fd))
  }
}

/** A relay that has begun to start, and waits for its disk. */
async function starting() {
  const { folder, data, ...rest } = await folderOf()
  mkdirSync(join(data, 'spool'), { recursive: true })
  const letGo = hanging(join(data, 'spool/identity'))
  const relay = spawnRelay(folder)
  const ended = new Promise<number | null>((resolve) => relay.once('exit', resolve))
  onTestFinished(async () => {
    relay.kill('SIGKILL')
    await ended
  })
  await until('it waits for the disk', () => existsSync(join(data, 'spool/lock.holder')))
  return { ...rest, folder, relay, ended, letGo }
}

test('SIGHUP while a relay starts ends nothing, and what it was about is in force (case R22)', async () => {
  const { folder, relay, letGo, write } = await starting()
  write('changed.test')
  relay.kill('SIGHUP')
  letGo()
  const { status } = await listening(folder, relay)
  const hostname = () => JSON.parse(readFileSync(join(folder, 'data/last-good.json'), 'utf8')).config.hostname
  await until(
    'it is in force (case R22)',
    async () => hostname() === 'changed.test' && (await status()).configError === undefined,
  )
})

test('SIGTERM while a relay starts ends it in order, also where the system would not end the first process of a pod (case R22)', async () => {
  const { folder, relay, ended, letGo } = await starting()
  relay.kill('SIGTERM')
  const log = () => readFileSync(join(folder, 'relay.log'), 'utf8')
  await until('it is told', () => log().includes('"msg":"stopping"') || relay.signalCode !== null)
  letGo()
  expect(await ended).toBe(0)
  expect(log()).not.toContain('listening')
})

/** Each copy of a configuration gets its name so late. */
const slowDisk = (data: string, byMs: number): readonly string[] => {
  const ofTheCopy = ['-P', join(data, 'last-good.json.tmp'), '-e', `inject=rename:delay_enter=${1000 * byMs}`]
  return ['strace', '-f', '-qq', '-o', '/dev/null', ...ofTheCopy]
}

test.runIf(installed('strace'))(
  'a reload that the disk holds up keeps nothing from being stopped (case R22)',
  async () => {
    const { folder, data, listenPort, write } = await folderOf()
    const relay = await startRelay(folder, slowDisk(data, 4000))
    const hashKept = () => JSON.parse(readFileSync(join(data, 'last-good.json'), 'utf8')).hash
    const { hash } = await relay.status()
    write('changed.test')
    await until('the reload has begun', async () => (await relay.status()).hash !== hash)
    const ended = relay.end('SIGTERM')
    await until('nobody is taken any more', () => isRefused(listenPort))
    expect(hashKept(), 'the disk holds it up still').toBe(hash)
    expect(await ended).toBe(0)
  },
)

/** The last octets are written where a volume of another machine may take them: when a file is closed. */
const slowEnd = (data: string, byMs: number): readonly string[] => {
  const ofTheFile = ['-P', join(data, 'open-attempts'), '-e', `inject=close:delay_enter=${1000 * byMs}`]
  return ['strace', '-f', '-qq', '-o', '/dev/null', ...ofTheFile]
}

test.runIf(installed('strace')).each([
  ['one of a reload', slowDisk],
  ['the end of a file', slowEnd],
])('a call to the disk that hangs keeps no process that has left its work (case S27): %s', async (_when, slow) => {
  const { folder, data } = await folderOf()
  const tracer = spawnRelay(folder, slow(data, 60_000))
  onTestFinished(() => void tracer.kill('SIGKILL'))
  const { pid } = await listening(folder, tracer)
  process.kill(pid, 'SIGTERM')
  await until('it has ended', () => hasEnded(pid), 25_000)
  expect(readFileSync(join(folder, 'relay.log'), 'utf8')).toContain('a call to the disk hangs; ended without it')
})

/** The tracer asks what became of it when the delay of its call is over. */
const hasEnded = (pid: number): boolean => /State:\tZ/.test(readFileSync(`/proc/${pid}/status`, 'utf8'))

const isRefused = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(true)).once('connect', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
