/**
 * Under all faults of a control plane at once, no configuration allows more than the objects do, and all ends as if declared at once.
 * `RELAYFLEET_SEED=45` runs one ordeal, `RELAYFLEET_LONG=1` a long one of any seed. It is no gate: history in a cluster, as former
 * keys, differs from that of a fresh one, and the comparison does not know all of it.
 */
import { randomInt } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { helmInstalled } from '../chart/helm.ts'
import { apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { installCrds } from './install-crds.ts'
import { ordeal } from './ordeal.ts'

const long = process.env['RELAYFLEET_LONG'] !== undefined
const given = process.env['RELAYFLEET_SEED']
const seed = Number(given ?? randomInt(1_000_000))
const isAsked = long || given !== undefined
const plan = { seed, phases: long ? 12 : 1, phaseMs: long ? 20_000 : 10_000 }

describe.runIf(isAsked && givenCluster() !== undefined && helmInstalled())(
  `all faults of a control plane, seed ${seed}`,
  () => {
    beforeAll(() => installCrds(apiOf(theCluster().access)))

    test('after each phase all is as if declared at once, and no configuration allowed more than the objects did', {
      timeout: long ? 1_800_000 : 300_000,
    }, async () => {
      for await (const phase of ordeal(plan)) {
        const story = phase.story.join('\n')
        console.log(`${phase.story.length} deeds, ${phase.judged} credentials in configurations so far`)
        expect(phase.excesses, story).toEqual([])
        expect(phase.leaks, story).toEqual([])
        expect(phase.wrongs, story).toEqual([])
        expect(phase.strangers[1], story).toEqual(phase.strangers[0])
        expect(phase.stood, story).toEqual(phase.afresh)
      }
    })
  },
)
