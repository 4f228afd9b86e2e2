/**
 * All faults of a control plane at the same time, at random: people declare, relabel and delete objects, somebody edits what
 * the operator made, operators are killed and lead in turns, and there is trouble between them and the API server. After each
 * phase the faults end, and what is found then is judged by the test.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Api, apiOf } from './api.ts'
import { theCluster } from './cluster.ts'
import { bystanders, makeBystanders } from './faults/bystanders.ts'
import { type Dice, diceOf } from './faults/chance.ts'
import { Troupe } from './faults/troupe.ts'
import { type InstalledChart, installChart } from './installed-chart.ts'
import { newNamespace } from './namespace.ts'
import { forget, standing } from './ordeal/afresh.ts'
import { type Authorisations, authorisations } from './ordeal/authorisations.ts'
import { Author, type Places } from './ordeal/authors.ts'
import { type Chronicle, chronicle } from './ordeal/chronicle.ts'
import { leaks } from './ordeal/leaks.ts'
import { Meddler } from './ordeal/meddler.ts'
import { quiet } from './ordeal/quiet.ts'
import { troubles } from './ordeal/troubles.ts'
import type { Digest } from './whole/digest.ts'

export type OrdealPlan = { readonly seed: number; readonly phases: number; readonly phaseMs: number }

export type Phase = Authorisations & {
  /** What was done in the phase, by whom and when. */
  readonly story: readonly string[]
  readonly stood: Digest
  readonly afresh: Digest
  readonly leaks: readonly string[]
  readonly wrongs: readonly string[]
  readonly strangers: readonly (readonly unknown[])[]
}

const authors = 3
const settleMs = 90_000

type Stage = {
  readonly admin: Api
  readonly chart: InstalledChart
  readonly places: Places
  readonly namespaces: readonly string[]
  readonly seeing: Chronicle
}

/** Runs one phase after the other, each with new operators on what the last one left. */
export async function* ordeal({ seed, phases, phaseMs }: OrdealPlan): AsyncGenerator<Phase> {
  const admin = apiOf(theCluster().access)
  const made = async (): Promise<string> => newNamespace(theCluster(), admin)
  const places = { mail: await made(), team: await made(), guest: await made() }
  const namespaces = Object.values(places)
  const chart = await installChart(theCluster(), admin, (own) => ({ watchNamespaces: [own, ...namespaces] }))
  for (const namespace of namespaces) await makeBystanders(admin, namespace)
  const seeing = await chronicle(namespaces)
  try {
    for (let i = 0; i < phases; i++) yield await phase({ admin, chart, places, namespaces, seeing }, seed + i, phaseMs)
  } finally {
    await seeing.stop()
    await chart.uninstall()
  }
}

async function phase(stage: Stage, seed: number, phaseMs: number): Promise<Phase> {
  const { admin, places, namespaces, seeing } = stage
  const begin = performance.now()
  const story: string[] = []
  const log = (what: string): void => void story.push(`${Math.round(performance.now() - begin)} ms: ${what}`)
  const dice = (n: number): Dice => diceOf(seed * 100 + n)
  const troupe = troupeOf(stage, log, dice(0))
  const people = Array.from({ length: authors }, (_, i) => new Author({ admin, places, dice: dice(i + 1), log }))
  const meddler = new Meddler({ admin, namespaces, dice: dice(authors + 1), log })
  const strangers = await Promise.all(namespaces.map((namespace) => bystanders(admin, namespace)))
  try {
    await people[0]?.complete()
    await troupe.enter()
    const end = performance.now() + phaseMs
    await Promise.all([
      ...people.map((author, i) => keepOn(end, dice(10 + i), 500, () => author.step())),
      keepOn(end, dice(20), 1200, () => meddler.step()),
      keepOn(end, dice(21), 2500, () => troupe.step()),
      keepOn(end, dice(22), 200, () => troupe.bury()),
    ])
    log('it is to be quiet')
    await troupe.calm()
    await people[0]?.complete()
    await meddler.mend()
    // An operator that was to die at its next write may still do so now.
    await quiet(admin, namespaces, settleMs, () => troupe.bury())
    const found = {
      stood: await standing(admin, namespaces),
      ...authorisations(seeing, meddler.wrote),
      leaks: await leaks(admin, namespaces, seeing, troupe.told),
      wrongs: troupe.wrongs,
      strangers: [strangers, await Promise.all(namespaces.map((namespace) => bystanders(admin, namespace)))],
    }
    await troupe.leave()
    return { ...found, story, afresh: await fromNothing(stage, log) }
  } catch (error) {
    const said = troupe.told.filter(({ about }) => !['call', 'done', 'turn begins', 'dns'].includes(about)).slice(-40)
    const last = said.map((telling) => JSON.stringify(telling))
    throw new Error(`seed ${seed}: ${(error as Error).message}\n${[...story, ...last].join('\n')}`, { cause: error })
  } finally {
    await troupe.leave()
  }
}

/** Recovery, which otherwise takes minutes, takes seconds here, which is long enough for a machine that is busy. */
const hurried = {
  timing: {
    watching: { relistMs: 5000, silenceMs: 4000, labelsMs: 1000, patienceMs: 2000 },
    ...{ lookMs: 1500, issuerMs: 3000, verifyMs: 60_000 },
  },
  limits: { rate: { perSecond: 200, burst: 400 }, callMs: 4000 },
  terms: { leaseMs: 6000, stopMs: 4500, renewMs: 1200, retryMs: 500 },
}

const troupeOf = ({ chart, namespaces }: Stage, log: (what: string) => void, dice: Dice): Troupe =>
  new Troupe({
    ...{ namespace: chart.namespace, dice, log, faults: troubles, as: chart.asOperator },
    operator: { ...hurried, watchNamespaces: namespaces },
  })

/** What one undisturbed operator makes of the declared objects, once all that was made of them is forgotten. */
async function fromNothing(stage: Stage, log: (what: string) => void): Promise<Digest> {
  const { admin, namespaces } = stage
  await forget(admin, namespaces)
  const fresh = troupeOf(stage, log, diceOf(0))
  await fresh.enter()
  try {
    await quiet(admin, namespaces, settleMs, () => fresh.bury())
    return await standing(admin, namespaces)
  } finally {
    await fresh.leave()
  }
}

async function keepOn(end: number, dice: Dice, mostMs: number, step: () => Promise<void>): Promise<void> {
  while (performance.now() < end) {
    await sleep(dice.below(mostMs))
    await step()
  }
}
