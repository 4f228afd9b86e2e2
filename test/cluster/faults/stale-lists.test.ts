/** An operator that is started on an old list undoes nothing of what was done by one that had heard more. */
import { beforeAll, describe, expect, test } from 'vitest'
import { ownResources, pathOf, resources } from '../../../operator/cluster/api/resource.ts'
import { until } from '../../local/until.ts'
import { type Api, accepted, apiOf, type KubeObject } from '../api.ts'
import { givenCluster, theCluster } from '../cluster.ts'
import { type Fault, type Seen, status } from '../fault-proxy.ts'
import { installCrds } from '../install-crds.ts'
import { newNamespace } from '../namespace.ts'
import { digestOf } from '../whole/digest.ts'
import { startOperator } from '../whole/operator-process.ts'
import { make, type Scenario, scenarios } from '../whole/scenarios.ts'
import { settled } from '../whole/settled.ts'
import { witness } from '../whole/witness.ts'
import { bystanders, makeBystanders } from './bystanders.ts'
import { inAHurry } from './in-a-hurry.ts'

const long = process.env['RELAYFLEET_LONG'] !== undefined
const few = [
  'a credential is suspended',
  'a credential is deleted',
  'the domain is deleted',
  "the listener's port moves",
]
const chosen = scenarios.filter(({ name, given }) => given.length > 0 && (long || few.includes(name)))
/** The credential that may submit no longer after a scenario. */
const revoked: Readonly<Record<string, string>> = {
  'a credential is suspended': 'checkout',
  'a credential is deleted': 'billing',
  'the domain is deleted': 'checkout',
}
/** For so long the operator hears nothing but what is old. */
const oldMs = 2500
const listed = [...ownResources, resources.services, resources.statefulSets]

describe.runIf(givenCluster() !== undefined)('an operator that is started on an old list', () => {
  let admin: Api
  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
  })

  const listsNow = async (namespace: string): Promise<ReadonlyMap<string, KubeObject>> =>
    new Map(
      await Promise.all(
        listed.map(async (resource) => {
          const path = pathOf(resource, { namespace })
          return [path, accepted(await admin.get(path))] as const
        }),
      ),
    )

  /** Answers each list once as it was, and gives no news for a while; `isOver` when there is news of all of them. */
  function old(lists: ReadonlyMap<string, KubeObject>) {
    const served = new Set<string>()
    const told = new Set<string>()
    const end = performance.now() + oldMs
    const rule = ({ method, path, query }: Seen): Fault => {
      const list = lists.get(path)
      if (method !== 'GET' || list === undefined) return 'pass'
      if (!query.has('watch') && !served.has(path)) {
        served.add(path)
        return { code: 200, body: list }
      }
      if (!query.has('watch')) return 'pass'
      if (performance.now() < end) return status(500, 'InternalError')
      told.add(path)
      return 'pass'
    }
    return { rule, isOver: () => told.size === lists.size }
  }

  async function begun({ given }: Scenario) {
    const namespace = await newNamespace(theCluster(), admin)
    await makeBystanders(admin, namespace)
    await make(admin, namespace, given)
    const first = await startOperator(namespace, inAHurry)
    await settled(admin, first, namespace)
    return { namespace, first, seeing: await witness(namespace) }
  }

  test.concurrent.each(chosen.map((scenario) => [scenario.name, scenario] as const))(
    'undoes nothing of what was done since: %s',
    async (name, scenario) => {
      const { namespace, first, seeing } = await begun(scenario)
      const lists = await listsNow(namespace)
      const credential = revoked[name]
      // The credential may be in no configuration after the first one without it.
      if (credential !== undefined) seeing.forbid(credential, '1')
      await scenario.change(admin, namespace)
      const after = await settled(admin, first, namespace)
      await first.stop()
      const theirs = await bystanders(admin, namespace)
      const { rule, isOver } = old(lists)
      const next = await startOperator(namespace, inAHurry, rule)
      await until('the next operator leads', () => next.told.some((t) => t.about === 'turn begins'), 30_000)
      await until('there is news of all that was listed', isOver, 30_000)
      await until(
        'the same end',
        async () => JSON.stringify(await digestOf(admin, namespace)) === JSON.stringify(after),
      ).catch(async () => expect(await digestOf(admin, namespace)).toEqual(after))
      await seeing.caughtUp()
      expect(seeing.wrongs).toEqual([])
      expect(await bystanders(admin, namespace)).toEqual(theirs)
      await next.stop()
      await seeing.stop()
    },
    180_000,
  )
})
