/** During a rotation nobody is locked out, and status, Events, metric and command line say who uses the old password; printed as a transcript. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { telledTo } from '../../operator/cli/operator-log.ts'
import { Pulse } from '../../operator/cluster/pulse.ts'
import type { Key } from '../../operator/lifecycle/keys.ts'
import { createMetrics } from '../../operator/metrics.ts'
import type { StampedStatus } from '../../operator/observed-status.ts'
import { until } from '../local/until.ts'
import { commanded } from '../operator/cli/commanded.ts'
import { type Api, accepted, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { installCrds } from './install-crds.ts'
import { newNamespace } from './namespace.ts'
import { type ObedientRelay, obedientRelay } from './obedient-relay.ts'
import { kubeconfigFile } from './person.ts'
import { startOperator } from './whole/operator-process.ts'
import { credential, domain, make, policy } from './whole/scenarios.ts'

type Shown = StampedStatus & { readonly keys?: readonly (Key & { readonly lastUsedFrom?: { network: string } })[] }
type Login = { readonly username: string; readonly password: string }

const client = '198.51.100.7'

describe.runIf(givenCluster() !== undefined)('a rotation', () => {
  let admin: Api
  let open: (() => Promise<unknown>)[] = []
  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
  })
  afterEach(async () => {
    for (const close of open.toReversed()) await close()
    open = []
  })

  async function stage(rotation: object) {
    const namespace = await newNamespace({ ...theCluster(), controllers: false }, admin)
    await admin.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'default' } })
    await make(admin, namespace, [policy(), domain(), credential('web', { rotation })])
    const metrics = createMetrics()
    const tell = telledTo({ log: () => undefined, metrics, pulse: new Pulse() })
    const operator = await startOperator(namespace, { timing: { lookMs: 1000, usageMs: 100 }, tell })
    open.push(() => operator.stop())
    const relays: ObedientRelay[] = []
    for (const index of [0, 1]) {
      const relay = await obedientRelay(admin, operator.proxy.connection, `${namespace}/shared`, index)
      relays.push(relay)
      open.push(() => relay.close())
    }
    const path = `/apis/relayfleet.dev/v1alpha1/namespaces/${namespace}/relaycredentials/web`
    const status = async (): Promise<Shown> =>
      (accepted(await admin.get(path))['status'] ?? { conditions: [] }) as Shown
    const secret = async (): Promise<Login> => {
      const { data = {} } = accepted(await admin.get(`/api/v1/namespaces/${namespace}/secrets/web`)) as {
        data?: Record<string, string>
      }
      const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString()
      return { username: text('username'), password: text('password') }
    }
    const events = async (): Promise<readonly string[]> => {
      const { items } = accepted(
        await admin.get(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`),
      ) as unknown as {
        items: { reason: string; type: string; note: string; regarding: { name: string } }[]
      }
      return items.filter((e) => e.regarding.name === 'web').map((e) => `${e.type} ${e.reason}: ${e.note}`)
    }
    const states = async (): Promise<string> => ((await status()).keys ?? []).map((k) => k.state).join(', ')
    const pending = async () => (await status()).conditions.find((c) => c.type === 'RotationPending')
    /** The lines of the metric, one for each reason, as Prometheus reads them; a reason that no credential has any more is 0. */
    const metric = async (): Promise<readonly string[]> =>
      (await metrics.registry.getSingleMetricAsString('relayfleet_rotations_pending'))
        .split('\n')
        .filter((line) => line.startsWith('relayfleet_'))
    return {
      namespace,
      operator,
      metric,
      relays,
      status,
      secret,
      events,
      states,
      pending,
      trigger: async (text: string, more: object = {}) =>
        accepted(await admin.patch(path, { spec: { rotation: { trigger: text, ...more } } })),
      /** How many of the relays let somebody in. */
      enters: (who: Login, from = client): number => relays.filter((relay) => relay.login(who, from)).length,
      ready: () =>
        until(
          'the credential is ready',
          async () => {
            const { conditions = [] } = await status().catch(() => ({ conditions: [] }))
            return conditions.some((c) => c.type === 'Ready' && c.status === 'True')
          },
          30_000,
        ),
    }
  }

  /** The lines that a person sees now, without what is other in each run. */
  async function told(heading: string, { namespace, status, events, metric }: Awaited<ReturnType<typeof stage>>) {
    const { keys = [], conditions } = await status()
    const ids = new Map(keys.map(({ id }, i) => [id, `KEY${i}`]))
    const plain = (text: string): string =>
      [...ids].reduce((t, [id, name]) => t.replaceAll(id, name), text).replaceAll(namespace, 'NS')
    const pending = conditions.find((c) => c.type === 'RotationPending')
    const { out } = await commanded(
      'status',
      'shared',
      '-n',
      namespace,
      '--no-live',
      '--kubeconfig',
      kubeconfigFile(theCluster().access),
    )
    return [
      `## ${heading}`,
      'status.keys:',
      ...keys.map(
        (k) =>
          `  ${plain(k.id)} ${k.state}${k.lastUsedFrom === undefined ? '' : `, last used from ${k.lastUsedFrom.network}`}`,
      ),
      `RotationPending: ${pending === undefined ? '-' : `${pending.status} ${pending.reason}: ${plain(pending.message)}`}`,
      'Events:',
      ...(await events()).map((e) => `  ${plain(e)}`),
      'metric:',
      ...(await metric()).map((line) => `  ${line}`),
      '$ relayfleet status shared --no-live',
      ...out
        .trimEnd()
        .split('\n')
        .map((line) => `  ${plain(line)}`),
      '',
    ]
  }

  test('keeps the old password while a client uses it, says so at each step, and ends it when the client has the new one', async () => {
    const its = await stage({ overlap: '3s' })
    await its.ready()
    const counted = (what: string) =>
      until(`the metric has ${what}`, async () => (await its.metric()).some((line) => line.endsWith(what)), 10_000)
    const transcript = await told('One key', its)
    const old = await its.secret()
    expect(its.enters(old)).toBe(2)

    await its.trigger('first')
    const refused: string[] = []
    await until(
      'the Secret holds another one',
      async () => {
        const now = await its.secret()
        if (its.enters(now) !== 2) refused.push(now.password)
        if (its.enters(old) !== 2) refused.push(old.password)
        return now.password !== old.password
      },
      30_000,
    )
    const fresh = await its.secret()
    expect([refused, its.enters(fresh), its.enters(old)]).toEqual([[], 2, 2])
    await until(
      'the status tells who uses the old one',
      async () => (await its.pending())?.reason === 'OldKeyInUse',
      10_000,
    )
    await counted('{reason="OldKeyInUse"} 1')
    transcript.push(...(await told('Two keys, and the old one is in use', its)))
    expect(await its.states()).toBe('Active, Retiring')
    expect((await its.status()).keys?.[1]?.lastUsedFrom?.network).toBe('198.51.100.0/24')

    await until(
      'the overlap is over, and the old password still in use',
      async () => {
        expect(its.enters(old)).toBe(2)
        return (
          (await its.pending())?.reason === 'OldKeyOverdue' &&
          (await its.events()).some((e) => e.includes('OldKeyOverdue'))
        )
      },
      70_000,
    )
    await counted('{reason="OldKeyOverdue"} 1')
    transcript.push(...(await told('The overlap is over, and the old one is in use', its)))

    await until(
      'the client reads the Secret anew, and the old one ends',
      async () => {
        expect(its.enters(fresh)).toBe(2)
        return (await its.states()) === 'Active' && (await its.events()).some((e) => e.includes('KeyRetired'))
      },
      30_000,
    )
    await until('relays refuse the old password', async () => its.enters(old) === 0, 10_000)
    expect([its.enters(fresh), await its.pending()]).toEqual([2, undefined])
    await until('no rotation is counted', async () => (await its.metric()).every((line) => line.endsWith(' 0')))
    transcript.push(...(await told('The client has the new one', its)))
    process.stderr.write(`\n${transcript.join('\n')}\n`)
    expect((await its.events()).map((e) => e.slice(0, e.indexOf(':'))).toSorted()).toEqual(
      ['Normal KeyRetired', 'Normal KeyRotated', 'Warning OldKeyOverdue'].toSorted(),
    )
    expect(JSON.stringify([await its.status(), await its.events()])).not.toContain(fresh.password)
  }, 150_000)
})
