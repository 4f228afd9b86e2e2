/** A fleet is made smaller on a real API server, with a real StatefulSet controller: past pods without mail only (case S29). */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../local/until.ts'
import { type AnsweringPods, answeringPods } from './answering-pods.ts'
import { type Api, accepted, apiOf, type KubeObject } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { installCrds } from './install-crds.ts'
import { newNamespace } from './namespace.ts'
import { type OperatorProcess, startOperator } from './whole/operator-process.ts'
import { make, policy } from './whole/scenarios.ts'

type Condition = { readonly type: string; readonly status: string; readonly reason: string; readonly message: string }

describe.runIf(givenCluster()?.controllers === true)('a fleet that is made smaller', () => {
  let admin: Api
  let namespace = ''
  let pods: AnsweringPods
  let operator: OperatorProcess

  const at = (plural: string, name: string): string =>
    ({
      statefulsets: `/apis/apps/v1/namespaces/${namespace}/statefulsets/${name}`,
      pods: `/api/v1/namespaces/${namespace}/pods/${name}`,
    })[plural] ?? `/apis/relayfleet.dev/v1alpha1/namespaces/${namespace}/${plural}/${name}`
  const get = async (plural: string, name: string): Promise<KubeObject> => accepted(await admin.get(at(plural, name)))
  const replicas = async (): Promise<unknown> =>
    ((await get('statefulsets', 'shared'))['spec'] as { readonly replicas: number }).replicas
  const status = async () =>
    ((await get('relaypolicies', 'shared'))['status'] ?? {}) as {
      readonly conditions?: readonly Condition[]
      readonly pods?: readonly object[]
      readonly spools?: readonly { readonly name: string }[]
    }
  const scalingDown = async (): Promise<Condition | undefined> =>
    (await status()).conditions?.find(({ type }) => type === 'ScalingDown')
  const edit = async (change: object): Promise<void> => {
    accepted(await admin.patch(at('relaypolicies', 'shared'), change))
  }
  const scale = (count: number, more: object = {}): Promise<void> => edit({ spec: { replicas: count, ...more } })
  const remembered = (count: number): Promise<unknown> =>
    until(`${count} spools are remembered`, async () => (await status()).spools?.length === count)
  const told = (reason: string): Promise<Condition> =>
    until(
      `ScalingDown says ${reason}`,
      async () => {
        const condition = await scalingDown()
        return condition?.reason === reason ? condition : undefined
      },
      30_000,
    )
  const isGone = (pod: string) => until(`${pod} is gone`, async () => (await admin.get(at('pods', pod))).status === 404)

  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
  })
  beforeEach(async () => {
    namespace = await newNamespace(theCluster(), admin)
    pods = await answeringPods(admin, namespace, 'shared')
    operator = await startOperator(namespace, { timing: { lookMs: 1000 } })
  })
  afterEach(async () => {
    await operator.stop()
    await pods.close()
  })

  test('a pod with mail stays until it has none, and tells what it has and since when', async () => {
    await make(admin, namespace, [policy('shared')])
    await remembered(2)
    pods.delivers = false
    pods.mail.set('shared-1', 3)
    await scale(1)
    const { message } = await told('Draining')
    expect(message).toMatch(/^1 relays are to stay; shared-1 leaves since 2/)
    expect((await get('pods', 'shared-1')).metadata['labels']).toMatchObject({ 'relayfleet.dev/takes-mail': 'false' })
    expect((await get('pods', 'shared-0')).metadata['labels']).toMatchObject({ 'relayfleet.dev/takes-mail': 'true' })
    expect((await status()).pods?.[1]).toMatchObject({ name: 'shared-1', drain: { state: 'Draining' } })
    expect(await replicas()).toBe(2)
    pods.delivers = true
    await until('it is made smaller', async () => (await replicas()) === 1)
    expect(pods.mail.get('shared-1')).toBe(0)
    await isGone('shared-1')
    await until('all is said', async () => (await scalingDown()) === undefined)
    expect((await status()).spools).toMatchObject([{ name: 'shared-0' }])
  })

  test('larger again in the middle of it: the pod takes mail again', async () => {
    await make(admin, namespace, [policy('shared')])
    await remembered(2)
    pods.delivers = false
    pods.mail.set('shared-1', 3)
    await scale(1)
    await told('Draining')
    await scale(2)
    await until('all is said', async () => (await scalingDown()) === undefined)
    const { metadata } = await get('pods', 'shared-1')
    expect(Object.keys(metadata['annotations'] ?? {})).not.toContain('relayfleet.dev/drain')
    expect(metadata['labels']).toMatchObject({ 'relayfleet.dev/takes-mail': 'true' })
    expect(await replicas()).toBe(2)
  })

  test('one by one from the top: an empty pod below one with mail stays with it', async () => {
    await make(admin, namespace, [policy('shared', { replicas: 3 })])
    await remembered(3)
    pods.delivers = false
    pods.mail.set('shared-2', 2)
    await scale(1)
    await until('the lower one is empty', async () => (await status()).spools?.length === 2)
    expect(await replicas()).toBe(3)
    pods.delivers = true
    await until('it is made smaller', async () => (await replicas()) === 1)
  })

  test('who made the StatefulSet smaller by hand, or deleted it, has delivered nothing', async () => {
    await make(admin, namespace, [policy('shared')])
    await remembered(2)
    pods.delivers = false
    pods.mail.set('shared-1', 3)
    await scale(1)
    await told('Draining')
    accepted(await admin.patch(at('statefulsets', 'shared'), { spec: { replicas: 1 } }))
    await until('the pod is to come back', async () => (await replicas()) === 2)
    accepted(await admin.remove(at('statefulsets', 'shared')))
    await until('both are to come back', async () => (await admin.get(at('statefulsets', 'shared'))).status === 200)
    expect(await replicas()).toBe(2)
    pods.delivers = true
    await until('it is made smaller', async () => (await replicas()) === 1)
    expect(pods.mail.get('shared-1')).toBe(0)
  })

  test('its time is over: that is told, and only a person gives its mail up', async () => {
    await make(admin, namespace, [policy('shared')])
    await remembered(2)
    pods.delivers = false
    pods.mail.set('shared-1', 3)
    await scale(1, { availability: { drainTimeout: '1s' } })
    const { message } = await told('DrainOverdue')
    expect(message).toContain('relayfleet.dev/discard-queue=true')
    expect(await replicas()).toBe(2)
    await edit({ metadata: { annotations: { 'relayfleet.dev/discard-queue': 'true' } } })
    await until('it is let go', async () => (await replicas()) === 1)
    expect(pods.mail.get('shared-1')).toBe(3)
    const events = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`
    await until('that is told', async () => JSON.stringify((await admin.get(events)).body).includes('QueueLeft'))
  })
})
