/**
 * After a walk at random, in which objects are declared and damaged, operators cut off and killed, everything is as if what is
 * declared in the end had been declared at once. RELAYFLEET_SEED repeats one walk.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../local/until.ts'
import { type Api, apiOf } from '../api.ts'
import { givenCluster, theCluster } from '../cluster.ts'
import { installCrds } from '../install-crds.ts'
import { newNamespace } from '../namespace.ts'
import { type Digest, digestOf } from '../whole/digest.ts'
import { startOperator } from '../whole/operator-process.ts'
import { make } from '../whole/scenarios.ts'
import { settled } from '../whole/settled.ts'
import { witness } from '../whole/witness.ts'
import { bystanders, makeBystanders } from './bystanders.ts'
import { diceOf } from './chance.ts'
import { collectGarbage } from './garbage.ts'
import { inAHurry } from './in-a-hurry.ts'
import { Troupe } from './troupe.ts'
import { Walker } from './walker.ts'

const long = process.env['RELAYFLEET_LONG'] !== undefined
const given = process.env['RELAYFLEET_SEED']
const walks = long ? 24 : 2
const seeds = given === undefined ? Array.from({ length: walks }, (_, i) => 20_261_124 + i) : [Number(given)]
const steps = long ? 80 : 25

/**
 * A binding Secret whose operator was killed before any status could name it, and that is owed under another name since:
 * nobody can know of it, and no relay knows its password. It goes with its credential.
 */
function isForgotten(key: string, digest: Digest): boolean {
  const { type, name } = digest[key] as { readonly type?: string; readonly name: string }
  const others = JSON.stringify(Object.entries(digest).filter(([k]) => k !== key))
  return (
    type === 'servicebinding.io/smtp' &&
    ![`<verifier of ${name}>`, `{"name":"${name}"}`].some((t) => others.includes(t))
  )
}

/** How often an object was edited, and in which order conditions came about, is history. */
const withoutHistory = (whole: Digest): unknown => {
  const digest = Object.fromEntries(Object.entries(whole).filter(([key]) => !isForgotten(key, whole)))
  return withoutOrder(digest)
}

const withoutOrder = (digest: Digest): unknown =>
  JSON.parse(
    JSON.stringify(digest, (key, value) => {
      if (key === 'generation' || key === 'observedGeneration') return undefined
      if (key === 'conditions')
        return value.toSorted((a: { type: string }, b: { type: string }) => (a.type < b.type ? -1 : 1))
      return value
    }),
  )

describe.runIf(givenCluster() !== undefined)('a walk at random', () => {
  let admin: Api
  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
  })

  async function atOnce(objects: readonly object[]): Promise<unknown> {
    const namespace = await newNamespace(theCluster(), admin)
    await makeBystanders(admin, namespace)
    await make(admin, namespace, objects)
    const operator = await startOperator(namespace, inAHurry)
    const digest = await settled(admin, operator, namespace)
    await operator.stop()
    return withoutHistory(digest)
  }

  test.concurrent.each(seeds)('ends as if all had been declared at once (seed %i)', async (seed) => {
    const dice = diceOf(seed)
    const namespace = await newNamespace(theCluster(), admin)
    await makeBystanders(admin, namespace)
    const theirs = await bystanders(admin, namespace)
    const seeing = await witness(namespace)
    const walker = new Walker(admin, namespace, seeing, dice)
    const troupe = new Troupe({ namespace, dice, log: (what) => walker.log.push(what) })
    await troupe.enter()
    for (let i = 0; i < steps; i++) {
      if (dice.below(4) === 0) await troupe.step()
      else await walker.step()
      await sleep(dice.below(600))
      await troupe.bury()
      await collectGarbage(admin, namespace)
    }
    await troupe.calm()
    await walker.clear()
    const expected = await atOnce(walker.declared)
    const now = async () => withoutHistory(await digestOf(admin, namespace))
    const story = (): string => `seed ${seed}:\n${walker.log.join('\n')}`
    await until(
      'everything is as if declared at once',
      async () => {
        await troupe.bury()
        await collectGarbage(admin, namespace)
        return isDeepStrictEqual(await now(), expected)
      },
      60_000,
    ).catch(async () => expect(await now(), story()).toEqual(expected))
    await seeing.caughtUp()
    expect(seeing.wrongs, story()).toEqual([])
    expect(troupe.wrongs, story()).toEqual([])
    expect(await bystanders(admin, namespace)).toEqual(theirs)
    await troupe.leave()
    await seeing.stop()
  }, 300_000)
})
