/**
 * Relayfleet beside Postfix, Haraka, Exim and maddy on this machine, in turns: `npm run bench`, as root. Raw numbers go to
 * bench/results and from there into docs/benchmarks.md; with `--out FILE` they go only into that file, for a trial.
 */
import { rmSync } from 'node:fs'
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { makeCertificates } from '../test/certificates.ts'
import { startSink } from '../test/local/receiver.ts'
import { benchFolder } from './bench-folder.ts'
import { contestants } from './contestants.ts'
import { Entrant, shout } from './entrant.ts'
import { carryOut } from './load-order.ts'
import { machine, revision } from './machine.ts'
import { countFsyncs, oneRound, type Plan, weighAtRest, weighUnderLoad } from './measurements.ts'
import { printBenchmarks } from './print.ts'
import { type Entry, keep, type Results, resultsFile } from './results.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    out: { type: 'string' },
  },
})
const rounds = Number(values.rounds)
const plan: Plan = { seconds: Number(values.seconds), sessions: 20 }

async function loadCeiling(): Promise<number> {
  const sink = await startSink()
  const access = { host: '127.0.0.1', port: sink.port, tls: 'None' } as const
  const { sessions } = plan
  const { seconds, acknowledged } = await carryOut({ access, sessions, bytes: 4096, forSeconds: plan.seconds })
  await sink.stop()
  return acknowledged / seconds
}

const entryOf = (name: string, version: string): Entry => ({
  name,
  version,
  failures: [],
  runs: { smallReused: [], smallPipelined: [], smallSingle: [], largeReused: [], largeSingle: [] },
  alone: [],
  aloneX25519: [],
  crowded: [],
  memory: {},
})

/** A contestant that can not be made ready is skipped, with the reason, and the others go on. */
function enter(place: ConstructorParameters<typeof Entrant>[2]): readonly Entrant[] {
  return contestants.map(({ name, version, ready }) => {
    const entry = entryOf(name, version())
    console.log(`${name} ${entry.version} is made ready`)
    try {
      return new Entrant(entry, ready(place.folder), place)
    } catch (error) {
      entry.skipped = (error as Error).message
      shout(`${name} IS SKIPPED: ${entry.skipped}`)
      return new Entrant(entry, () => Promise.reject(error), place)
    }
  })
}

async function bench(entrants: readonly Entrant[]): Promise<Results> {
  const before = loadavg()[0] ?? 0
  const ceiling = await loadCeiling()
  for (const entrant of entrants) await weighAtRest(entrant, plan)
  for (let round = 1; round <= rounds; round += 1) await oneRound(round, entrants, plan)
  for (const entrant of entrants) await weighUnderLoad(entrant, plan)
  for (const entrant of entrants) await entrant.close()
  for (const entrant of entrants) await countFsyncs(entrant)
  return {
    at: new Date().toISOString(),
    revision: revision(),
    machine,
    loadAverage: [before, loadavg()[0] ?? 0],
    rounds,
    ...plan,
    loadCeiling: ceiling,
    entries: entrants.map(({ entry }) => entry),
  }
}

const folder = benchFolder('bench', { programs: ['smtp-sink'] })
const entrants = enter({ folder, certificates: await makeCertificates(['127.0.0.1']) })
async function leaveNothing(): Promise<void> {
  await Promise.all(entrants.map((entrant) => entrant.close()))
  rmSync(folder, { recursive: true, force: true })
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void leaveNothing().finally(() => process.exit(1)))
}
try {
  const results = await bench(entrants)
  const file = values.out ?? resultsFile('full', results.at)
  keep(results, file)
  console.log(`raw numbers: ${file}`)
  if (values.out === undefined) printBenchmarks()
} finally {
  await leaveNothing()
}
