/** What the full bench measures of every contestant, and in which order. */
import type { Entrant } from './entrant.ts'
import { fsyncsPerMessage } from './fsyncs.ts'
import { warmUps } from './lane.ts'
import { latency } from './latency.ts'
import { settledWeight, weightDuring, weightWithSessions } from './memory.ts'
import { race } from './race.ts'
import { fullShapes, type Shape, shapeNames } from './results.ts'

export type Plan = { readonly seconds: number; readonly sessions: number }

const say = (text: string): void => console.log(`${new Date().toISOString().slice(11, 19)} ${text}`)
const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`

/** Weighs a fresh server; then starts another one and warms it up for the rounds. */
export async function weighAtRest(entrant: Entrant, { seconds }: Plan): Promise<void> {
  const { name, memory } = entrant.entry
  await entrant.measure('memory at rest', async ({ contender }) => {
    memory.idle = await settledWeight(contender.pid)
    say(`${name} at rest: ${mib(memory.idle.pssBytes)}`)
  })
  await entrant.measure('memory with idle sessions', async ({ contender }) => {
    memory.sessions = await weightWithSessions(contender.pid, contender.access)
    say(`${name} with idle sessions: ${mib(memory.sessions.pssBytes)}`)
  })
  await entrant.close()
  await entrant.measure('warm-up', async (running) => {
    for (const warmUp of warmUps) await race(running, { ...warmUp, forSeconds: 3 * seconds })
  })
}

/**
 * Measures each figure of all contestants in turn, and begins with another contestant each time: a slow minute of the machine,
 * or what one measurement changes for the next, is then not always the same one's.
 */
export async function oneRound(round: number, entrants: readonly Entrant[], plan: Plan): Promise<void> {
  const figures = [
    ...shapeNames.map((shape) => throughput(shape, plan)),
    ...clients.map((client) => times(client, plan)),
  ]
  for (const [n, measure] of figures.entries())
    for (const entrant of beginningWith(entrants, round + n)) await measure(round, entrant)
}

type Measure = (round: number, entrant: Entrant) => Promise<void>

function beginningWith<T>(all: readonly T[], n: number): readonly T[] {
  const first = n % all.length
  return [...all.slice(first), ...all.slice(0, first)]
}

const throughput =
  (shape: Shape, { sessions, seconds }: Plan): Measure =>
  (round, entrant) =>
    entrant.measure(shape, async (running) => {
      const run = await race(running, { sessions, forSeconds: seconds, ...fullShapes[shape] })
      entrant.entry.runs[shape].push(run)
      const figures = `${run.acceptedPerSecond.toFixed(0)}/s in, ${run.deliveredPerSecond.toFixed(0)}/s out`
      say(`round ${round}, ${shape}, ${entrant.entry.name}: ${figures}`)
    })

const clients = [
  { kind: 'aloneX25519', samplesPerSecond: 75, crowd: false, offers: { groups: 'X25519' } },
  { kind: 'alone', samplesPerSecond: 75, crowd: false, offers: {} },
  { kind: 'crowded', samplesPerSecond: 250, crowd: true, offers: {} },
] as const

const times =
  ({ kind, samplesPerSecond, crowd, offers }: (typeof clients)[number], { sessions, seconds }: Plan): Measure =>
  (round, entrant) =>
    entrant.measure(`latency, ${kind}`, async ({ contender }) => {
      const pace = { samples: Math.round(samplesPerSecond * seconds), bytes: 4096, parallel: crowd ? sessions : 1 }
      const found = await latency({ ...contender.access, ...offers }, pace)
      entrant.entry[kind].push(found)
      const figures = `p50 ${found.p50Ms.toFixed(1)} ms, p99 ${found.p99Ms.toFixed(1)} ms`
      say(`round ${round}, ${kind}, ${entrant.entry.name}: ${figures}`)
    })

export async function weighUnderLoad(entrant: Entrant, { seconds, sessions }: Plan): Promise<void> {
  await entrant.measure('memory under load', async (running) => {
    const work = () => race(running, { sessions, forSeconds: seconds, ...fullShapes.smallReused })
    const weight = await weightDuring(running.contender.pid, work)
    entrant.entry.memory.load = weight
    say(`${entrant.entry.name} under load: ${mib(weight.pssBytes)}`)
  })
}

/** Starts the contestant once more, under strace. */
export async function countFsyncs(entrant: Entrant): Promise<void> {
  const { entry } = entrant
  if (entry.skipped !== undefined) return
  await entrant.attempt('fsyncs per message', async () => {
    entry.fsyncs = await fsyncsPerMessage(entrant.start, entrant.newPlace())
    say(`${entry.name}: ${entry.fsyncs} fsyncs per message`)
  })
}
