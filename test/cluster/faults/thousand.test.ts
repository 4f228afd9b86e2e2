/** Of a thousand objects at once (two hundred without RELAYFLEET_LONG) all is made, and then nothing is written any more (case K34). */
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../local/until.ts'
import { type Api, accepted, apiOf, type KubeObject } from '../api.ts'
import { givenCluster, theCluster } from '../cluster.ts'
import { installCrds } from '../install-crds.ts'
import { newNamespace } from '../namespace.ts'
import { startOperator } from '../whole/operator-process.ts'
import { credential, domain, make, policy } from '../whole/scenarios.ts'
import { quietMs } from '../whole/settled.ts'

const long = process.env['RELAYFLEET_LONG'] !== undefined
/** Beside them there is one domain. */
const [policies, credentials] = long ? [20, 979] : [5, 194]
const [idleMs, deadlineMs] = [long ? 60_000 : 20_000, 300_000]
const plurals = ['relaypolicies', 'senderdomains', 'relaycredentials']
const atOnce = 16

describe.runIf(givenCluster() !== undefined)(`${policies + credentials + 1} objects at once`, () => {
  let admin: Api
  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
  })

  const listOf = async (namespace: string, plural: string): Promise<readonly KubeObject[]> => {
    const list = accepted(await admin.get(`/apis/relayfleet.dev/v1alpha1/namespaces/${namespace}/${plural}`))
    return list['items'] as readonly KubeObject[]
  }
  const isJudged = ({ status, metadata }: KubeObject): boolean => {
    const { observedGeneration, conditions } = (status ?? {}) as { observedGeneration?: number; conditions?: unknown[] }
    return observedGeneration === metadata['generation'] && (conditions?.length ?? 0) > 0
  }
  const isBound = ({ status }: KubeObject): boolean => ((status as { keys?: unknown[] })?.keys?.length ?? 0) > 0

  test(
    `are all dealt with, and then nothing is written for ${idleMs / 1000} s`,
    async () => {
      const namespace = await newNamespace(theCluster(), admin)
      const operator = await startOperator(namespace)
      await until('the operator leads', () => operator.told.some((t) => t.about === 'turn begins'), 30_000)
      const objects = [
        domain(),
        ...Array.from({ length: policies }, (_, i) => policy(`fleet-${i}`)),
        ...Array.from({ length: credentials }, (_, i) =>
          credential(`app-${i}`, { policyRef: { name: `fleet-${i % policies}` } }),
        ),
      ]
      const begin = performance.now()
      const left = objects.values()
      const hand = async (): Promise<void> => {
        for (const object of left) await make(admin, namespace, [object])
      }
      await Promise.all(Array.from({ length: atOnce }, hand))
      const made = performance.now() - begin
      let before = -1
      await until(
        'all is judged, and nothing is written for a while',
        async () => {
          before = operator.writes()
          await sleep(quietMs)
          if (operator.writes() !== before) return false
          const all = await Promise.all(plurals.map((plural) => listOf(namespace, plural)))
          return all.flat().every(isJudged) && (all[2] ?? []).every(isBound)
        },
        deadlineMs,
      )
      const took = performance.now() - begin - quietMs
      const total = operator.writes()
      await sleep(idleMs)
      const calls = operator.proxy.seen.length
      process.stderr.write(
        `${objects.length} objects made in ${Math.round(made)} ms, converged after ${Math.round(took)} ms, ${total} writes, ` +
          `${calls} calls; ${operator.writes() - total} writes in ${idleMs / 1000} s of quiet\n`,
      )
      expect(operator.writes() - total).toBe(0)
      await operator.stop()
    },
    deadlineMs + 120_000,
  )
})
