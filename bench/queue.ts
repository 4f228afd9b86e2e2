/**
 * A long queue: `npm run bench:queue -- --messages 1000000` fills a spool, starts the relay on it while its smarthost can not be
 * reached, and then starts the smarthost. It tells how long until the relay is ready, its memory, and how fast the queue drains.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openSpool } from '../relay/spool/file-spool.ts'
import { makeCertificates } from '../test/certificates.ts'
import { bundleRelay } from '../test/local/bundle.ts'
import { freePort } from '../test/local/free-port.ts'
import { startSink } from '../test/local/receiver.ts'
import { listening, loadConfig, spawnRelay, writeRelay } from '../test/local/relay-process.ts'
import { until } from '../test/local/until.ts'
import { plainFolder } from './bench-folder.ts'
import { machine } from './machine.ts'
import { keep, resultsFile } from './results.ts'

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '100000' },
    bytes: { type: 'string', default: '4096' },
    /** The time is taken until so many of them are delivered. */
    drain: { type: 'string', default: '100000' },
    /** The bundle of another revision, to compare; by default the relay of this working tree is bundled. */
    relay: { type: 'string' },
  },
})
const [messages, bytes] = [Number(values.messages), Number(values.bytes)]
const drain = Math.min(messages, Number(values.drain))
const minutes = 60_000
const lookEveryMs = 10
const acceptedAtOnce = 256

const silent = (): void => {}
const quiet = {
  committed: silent,
  forgotten: silent,
  notDeleted: silent,
  notStored: silent,
  quarantined: silent,
  recovered: silent,
  spoolFault: silent,
  spoolRecovered: silent,
  spoolNotIdentified: silent,
}

/** Fills the spool by the calls that submission makes, with messages accepted from an hour ago on, one each millisecond. */
async function fill(directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true })
  const spool = await openSpool({ directory, events: quiet })
  const text = `From: <app@corp.test>\r\nSubject: queued\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(bytes / 78 + 1)}`
  const content = Buffer.from(`${text.slice(0, bytes - 2)}\r\n`)
  const began = Date.now() - 60 * minutes
  const one = async (n: number): Promise<void> => {
    const incoming = await spool.receive()
    await incoming.write(content)
    await incoming.commit({ ...envelope, acceptedAt: began + n / 1000, forwardPaths: [`user${n}@sink.test`] })
  }
  for (let n = 0; n < messages; n += acceptedAtOnce) {
    await Promise.all(Array.from({ length: Math.min(acceptedAtOnce, messages - n) }, (_, i) => one(n + i)))
  }
  await spool.close()
}

const envelope = {
  credential: 'mail/load',
  reversePath: 'app@corp.test',
  disposition: 'relay',
  fromDomain: 'corp.test',
  client: { address: '127.0.0.1', helo: 'client.corp.test', tls: 'TLSv1.3' },
  body: '8BITMIME',
  smtpUtf8: false,
} as const

/** The resident memory of a process now and at its peak, in MB of 10^6 octets. */
const memoryOf = (pid: number) => {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8')
  const of = (name: string): number => Math.round((Number(RegExp(`${name}:\\s+(\\d+)`).exec(text)?.[1]) * 1024) / 1e6)
  return { now: of('VmRSS'), peak: of('VmHWM') }
}

async function measure(folder: string) {
  await fill(join(folder, 'data/spool'))
  const certificates = await makeCertificates(['127.0.0.1'])
  const listenPort = await freePort()
  const config = (smarthostPort: number) => loadConfig({ listenPort, smarthostPort, maxConnections: 20 })
  writeRelay(folder, config(await freePort()), certificates)
  const main = values.relay ?? bundleRelay(join(folder, 'dist'))
  const spawned = performance.now()
  const child = spawnRelay(folder, [], main)
  const endpoints = join(folder, 'data/endpoints.json')
  await until('the relay listens', () => child.exitCode !== null || existsSync(endpoints), 10 * minutes, lookEveryMs)
  const relay = await listening(folder, child)
  await until('it is ready', async () => (await relay.status()).ready, minutes)
  const readySeconds = (performance.now() - spawned) / 1000
  const queued = async () => {
    const { ready, deferred, inFlight } = (await relay.status()).queue
    return ready + deferred + inFlight
  }
  await until('it has the whole queue', async () => (await queued()) >= messages, minutes)
  const atReady = memoryOf(relay.pid)
  const sink = await startSink()
  try {
    writeRelay(folder, config(sink.port), certificates)
    await until('the first message arrives', () => sink.delivered() > 0, 2 * minutes, lookEveryMs)
    const began = performance.now()
    await until(`${drain} messages arrive`, () => sink.delivered() >= drain, 20 * minutes, lookEveryMs)
    const drainSeconds = (performance.now() - began) / 1000
    const drained = memoryOf(relay.pid)
    return { readySeconds, atReady, drainSeconds, perSecond: drain / drainSeconds, drained }
  } finally {
    await relay.end('SIGTERM')
    await sink.stop()
  }
}

const folder = plainFolder('relayfleet-queue-')
try {
  const figures = await measure(folder)
  const at = new Date().toISOString()
  const result = {
    at,
    machine,
    relay: values.relay ?? 'this one',
    messages,
    bytes,
    drain,
    ...figures,
  }
  console.log(JSON.stringify(result, null, 1))
  if (values.relay === undefined) keep(result, resultsFile(`queue-${messages}`, at))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
