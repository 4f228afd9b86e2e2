/** Relayfleet against Postfix on this machine, in turns: `npm run bench:quick`, as root; it takes two or three minutes. */
import { rmSync } from 'node:fs'
import { makeCertificates } from '../test/certificates.ts'
import { startSink } from '../test/local/receiver.ts'
import { benchFolder, contenderFolder } from './bench-folder.ts'
import type { Setting } from './contender.ts'
import { fsyncsPerMessage } from './fsyncs.ts'
import { type Lane, type Run, shapes, warmUps } from './lane.ts'
import { latency } from './latency.ts'
import { carryOut } from './load-order.ts'
import { startPostfix } from './postfix.ts'
import { race } from './race.ts'
import { startRelayfleet } from './relayfleet.ts'
import { report } from './report.ts'

const rounds = 3
const starters = [startRelayfleet, startPostfix]

async function bench(folder: string): Promise<void> {
  const certificates = await makeCertificates(['127.0.0.1'])
  const ceiling = await loadCeiling()
  console.log(`the load's own ceiling, against smtp-sink without TLS: ${Math.round(ceiling)} messages/s`)
  const lanes: Lane[] = []
  try {
    for (const start of starters) lanes.push(await openLane(start, { folder: contenderFolder(folder), certificates }))
    for (const lane of lanes) for (const warmUp of warmUps) await race(lane, { ...warmUp, forSeconds: 8 })
    for (let round = 1; round <= rounds; round += 1) await oneRound(round, lanes)
  } finally {
    await Promise.all(lanes.flatMap((lane) => [lane.contender.stop(), lane.sink.stop()]))
  }
  for (const [i, start] of starters.entries()) {
    const lane = lanes[i]
    if (lane) lane.fsyncs = await fsyncsPerMessage(start, { folder: contenderFolder(folder), certificates })
  }
  report(lanes, ceiling)
}

async function openLane(start: Lane['start'], setting: Omit<Setting, 'sink'>): Promise<Lane> {
  const sink = await startSink()
  const contender = await start({ ...setting, sink }).catch(async (error: Error) => {
    await sink.stop()
    throw error
  })
  return { start, contender, sink, runs: { reused: [], single: [] }, latencies: [], fsyncs: Number.NaN }
}

/** Measures each figure of all contenders in turn, so that a slow minute of the machine slows all of them. */
async function oneRound(round: number, lanes: readonly Lane[]): Promise<void> {
  for (const shape of ['reused', 'single'] as const) {
    for (const lane of lanes) {
      const run = await race(lane, shapes[shape])
      lane.runs[shape].push(run)
      console.log(`round ${round}, ${shape}, ${lane.contender.name}: ${described(run)}`)
    }
  }
  for (const lane of lanes)
    lane.latencies.push(await latency(lane.contender.access, { samples: 300, bytes: shapes.single.bytes }))
}

const described = ({ acceptedPerSecond, deliveredPerSecond, loadCores }: Run): string =>
  `${acceptedPerSecond.toFixed(0)}/s in, ${deliveredPerSecond.toFixed(0)}/s out, the load used ${loadCores.toFixed(2)} cores`

async function loadCeiling(): Promise<number> {
  const sink = await startSink()
  const access = { host: '127.0.0.1', port: sink.port, tls: 'None' } as const
  const { seconds, acknowledged } = await carryOut({ ...shapes.reused, access, messages: 30_000 })
  await sink.stop()
  return acknowledged / seconds
}

const folder = benchFolder('bench:quick', { programs: ['postfix', 'smtp-sink', 'saslpasswd2', 'strace'], root: true })
try {
  await bench(folder)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
