/** What the full bench measures of every contestant, and in which order. */
import type { Entrant } from './entrant.ts'
import { fsyncsPerMessage } from './fsyncs.ts'
import { warmUp } from './lane.ts'
import { latency } from './latency.ts'
import { settledWeight, weightDuring, weightWithSessions } from './memory.ts'
import { race } from './race.ts'
import { fullShapes, shapeNames } from './results.ts'

export type Plan = { readonly seconds: number; readonly sessions: number }

const say = (text: string): void => console.log(`${new Date().toISOString().slice(11, 19)} ${text}`)
const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`

/** On a fresh server; then another fresh one is warmed up for what follows. */
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
    await race(running, { ...warmUp, forSeconds: 3 * seconds })
  })
}

/** Everybody in turn for each figure, so that a slow minute of the machine is everybody's. */
export async function oneRound(round: number, entrants: readonly Entrant[], plan: Plan): Promise<void> {
  for (const shape of shapeNames) {
    for (const entrant of entrants) {
      await entrant.measure(shape, async (running) => {
        const order = { sessions: plan.sessions, forSeconds: plan.seconds, ...fullShapes[shape] }
        const run = await race(running, order)
        entrant.entry.runs[shape].push(run)
        const { acceptedPerSecond, deliveredPerSecond } = run
        const figures = `${acceptedPerSecond.toFixed(0)}/s in, ${deliveredPerSecond.toFixed(0)}/s out`
        say(`round ${round}, ${shape}, ${entrant.entry.name}: ${figures}`)
      })
    }
  }
  for (const entrant of entrants) await latencies(round, entrant, plan)
}

async function latencies(round: number, entrant: Entrant, plan: Plan): Promise<void> {
  const { entry } = entrant
  const clients = [
    { kind: 'aloneX25519', samplesPerSecond: 75, parallel: 1, offers: { groups: 'X25519' } },
    { kind: 'alone', samplesPerSecond: 75, parallel: 1, offers: {} },
    { kind: 'crowded', samplesPerSecond: 250, parallel: plan.sessions, offers: {} },
  ] as const
  for (const { kind, samplesPerSecond, parallel, offers } of clients) {
    await entrant.measure(`latency, ${kind}`, async ({ contender }) => {
      const samples = Math.round(samplesPerSecond * plan.seconds)
      const found = await latency({ ...contender.access, ...offers }, { samples, bytes: 4096, parallel })
      entry[kind].push(found)
      say(`round ${round}, ${kind}, ${entry.name}: p50 ${found.p50Ms.toFixed(1)} ms, p99 ${found.p99Ms.toFixed(1)} ms`)
    })
  }
}

export async function weighUnderLoad(entrant: Entrant, { seconds, sessions }: Plan): Promise<void> {
  await entrant.measure('memory under load', async (running) => {
    const work = () => race(running, { sessions, forSeconds: seconds, ...fullShapes.smallReused })
    const weight = await weightDuring(running.contender.pid, work)
    entrant.entry.memory.load = weight
    say(`${entrant.entry.name} under load: ${mib(weight.pssBytes)}`)
  })
}

/** In a run of its own under strace. */
export async function countFsyncs(entrant: Entrant): Promise<void> {
  const { entry } = entrant
  if (entry.skipped !== undefined) return
  await entrant.attempt('fsyncs per message', async () => {
    entry.fsyncs = await fsyncsPerMessage(entrant.start, entrant.newPlace())
    say(`${entry.name}: ${entry.fsyncs} fsyncs per message`)
  })
}
