/** When an operator ends with any of its writes for a fleet, the next one makes the very same fleet of it (case K07). */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../operator/cluster/api/object.ts'
import { knownConfig } from '../../operator/cluster/fleets/known-config.ts'
import { heardAnnotation } from '../../operator/cluster/watch/heard.ts'
import type { CompiledFleet } from '../../operator/compile/compiled.ts'
import { configSecrets } from '../../operator/manifests/config-secrets.ts'
import { printConfig } from '../../relay/config.ts'
import { until } from '../local/until.ts'
import { accepted, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { hashOf, isWrite, openStage, type RunFleet, runs, type Stage, withCredentials } from './fleets-stage.ts'
import { installCrds } from './install-crds.ts'

/** What a killed operator left is found by looks in turn, which come often here. */
const oftener = { everyMs: 10, perSecond: 200 }
/** Long enough for five thousand credentials on a busy machine; how long they may take is judged elsewhere. */
const patienceMs = 60_000
const kindsOfObjects = ['secrets', 'services', 'networkpolicies', 'poddisruptionbudgets', 'statefulsets']

describe.runIf(givenCluster() !== undefined)('a fleet whose operator ends in the middle', () => {
  let stage: Stage
  beforeEach(async () => {
    await installCrds(apiOf(theCluster().access))
  })
  afterEach(() => stage.close())

  /** Gives what the fleet consists of; without what each object has of its own, and the key, which is new each time. */
  const objects = async (): Promise<ReadonlyMap<string, unknown>> => {
    const found = await Promise.all(
      kindsOfObjects.map(async (kind) => {
        const { items } = accepted(await stage.raw.get(stage.path(kind))) as unknown as { items: KubeObject[] }
        return items.map((item) => [`${kind}/${item.metadata.name}`, essence(item)] as const)
      }),
    )
    return new Map(found.flat().toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** Runs an operator that ends with its k-th write, which is done (`lost`) or not (`reset`), and it never learns that. */
  const killedAt = async (fleet: CompiledFleet, k: number, fate: 'reset' | 'lost'): Promise<void> => {
    let writes = 0
    let isKilled = false
    const operator = await stage.operator(fleet, {
      rule: (seen) => {
        if (isKilled) return 'reset'
        if (!isWrite(seen) || ++writes < k) return 'pass'
        isKilled = true
        operator.leads = false
        return fate
      },
    })
    await until(`write ${k} comes`, () => isKilled)
    await operator.stop()
  }

  const finished = async (fleet: CompiledFleet): Promise<ReadonlyMap<string, unknown>> => {
    const operator = await stage.operator(fleet, { turns: oftener })
    await until(
      'the fleet is made',
      async () => {
        const { trouble } = operator.fleets.written(stage.named('shared'))
        return trouble === undefined && (await stage.raw.get(stage.path('statefulsets', 'shared'))).status === 200
      },
      patienceMs,
    )
    await until(
      'nothing changes any more',
      async () => {
        const before = operator.writes().length
        const looks = operator.calls().length
        await until('a turn of everything', () => operator.calls().length > looks + 20)
        return operator.writes().length === before
      },
      patienceMs,
    )
    await operator.stop()
    return objects()
  }

  test.each([
    'reset',
    'lost',
  ] as const)('after its k-th write (%s), for every k, becomes what it should be', async (fate) => {
    stage = await openStage()
    const whole = await finished(runs)
    await stage.close()
    for (let k = 1; k <= 7; k++) {
      stage = await openStage()
      await killedAt(runs, k, fate)
      expect(await finished(runs), `after write ${k}`).toEqual(whole)
      await stage.close()
    }
  }, 300_000)

  describe('between the Secrets of a large configuration', () => {
    const [one, two, three] = [withCredentials(2), withCredentials(5000), withCredentials(5001)]
    const secretsFor = ({ config }: RunFleet): number => configSecrets(stage.named('shared'), config).length
    /** Runs an operator that ends with its k-th write of the configuration, which is done; returns whether there was a k-th. */
    const killedWhileConfiguring = async (fleet: RunFleet, k: number): Promise<boolean> => {
      let writes = 0
      const operator = await stage.operator(fleet, {
        turns: oftener,
        rule: (seen) => {
          if (!isWrite(seen) || !seen.path.includes('relay-config') || ++writes < k) return 'pass'
          operator.leads = false
          return 'lost'
        },
      })
      const isDone = async (): Promise<boolean> =>
        operator.fleets.written(stage.named('shared')).hash === hashOf(fleet) &&
        (await stage.secrets()).size === secretsFor(fleet)
      await until('the operator is killed, or done', async () => !operator.leads || (await isDone()), patienceMs)
      await operator.stop()
      return !operator.leads
    }
    const known = async () => knownConfig([...(await stage.secrets()).values()])

    test.each([
      ['from one piece to parts', one, two],
      ['from parts to others', two, three],
      ['from parts to one piece', two, one],
    ])(
      '%s, a whole configuration is there after every write',
      async (_name, from, to) => {
        expect(new Set([from, to].map((f) => printConfig(f.config).length > 2_000_000))).toContain(true)
        stage = await openStage()
        await finished(from)
        const counts: number[] = []
        for (let k = 1, isKilled = true; isKilled; k++) {
          isKilled = await killedWhileConfiguring(to, k)
          const now = await known()
          expect(now.is, `after ${k}`).toBe('known')
          if (now.is === 'known') counts.push(now.config.credentials.length)
        }
        expect(counts.length, 'operators that ended with a write, and one that was done').toBeGreaterThan(1)
        const [before, after] = [from, to].map((f) => f.config.credentials.length)
        expect(new Set(counts)).toEqual(new Set([before, after].filter((c) => counts.includes(c ?? -1))))
        expect(counts.at(-1)).toBe(after)
        await finished(to)
        expect((await stage.configuration()).credentials.length).toBe(after)
        expect((await stage.secrets()).size).toBe(secretsFor(to))
      },
      300_000,
    )
  })
})

function essence({ metadata, ...object }: KubeObject): unknown {
  const { name, labels, annotations = {} } = metadata
  const { [heardAnnotation]: _, 'relayfleet.dev/applied-hash': __, ...said } = annotations
  const { status: ___, data, spec, ...rest } = object
  const { clusterIP: ____, clusterIPs: _____, ...wanted } = (spec ?? {}) as Record<string, unknown>
  const isKeyPair = name.endsWith('-tls')
  return {
    ...rest,
    name,
    labels,
    said,
    spec: wanted,
    data: isKeyPair ? Object.keys((data as object | undefined) ?? {}) : data,
  }
}
