/** A fleet is made smaller on a real API server, with a real StatefulSet controller: past pods without mail only (case S29). */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../local/until.ts'
import { type Api, accepted, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { installCrds } from './install-crds.ts'
import { type LeavingStage, openLeavingStage } from './leaving-stage.ts'
import { make, policy } from './whole/scenarios.ts'

type Marks = {
  readonly annotations?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
}

describe.runIf(givenCluster()?.controllers === true)('a fleet that is made smaller', () => {
  let admin: Api
  let stage: LeavingStage
  const scale = (count: number, more: object = {}): Promise<void> => stage.edit({ spec: { replicas: count, ...more } })
  const isSmaller = (): Promise<unknown> =>
    until('it is made smaller', async () => (await stage.replicas()) === 1, 30_000)
  const isSaid = (): Promise<unknown> =>
    until('all is said', async () => (await stage.condition('ScalingDown')) === undefined, 30_000)

  /** What is said and what a pod has on it are written one beside the other. */
  const takesMail = (pod: string, whether: boolean): Promise<unknown> =>
    until(`${pod} ${whether ? 'takes' : 'takes no'} mail`, async () => {
      const { annotations = {}, labels = {} } = (await stage.get('pods', pod)).metadata as Marks
      const leaves = 'relayfleet.dev/drain' in annotations
      return labels['relayfleet.dev/takes-mail'] === String(whether) && leaves !== whether
    })

  /** Of two, the second one is told to leave, and has mail that nobody takes. */
  const leavesWithMail = async (): Promise<void> => {
    await make(admin, stage.namespace, [policy('shared')])
    await stage.remembered(2)
    stage.pods.delivers = false
    stage.pods.mail.set('shared-1', 3)
    await scale(1)
    await stage.told('Draining')
  }

  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
  })
  beforeEach(async () => {
    stage = await openLeavingStage(admin)
  })
  afterEach(() => stage.close())

  test('a pod with mail stays until it has none, and tells what it has and since when', async () => {
    await make(admin, stage.namespace, [policy('shared')])
    await stage.remembered(2)
    stage.pods.delivers = false
    stage.pods.mail.set('shared-1', 3)
    await scale(1)
    // It is to leave before it has been asked to.
    const since = /^1 relays are to stay; shared-1 leaves since 2/
    await until('since when is told', async () => since.test((await stage.told('Draining')).message))
    await takesMail('shared-1', false)
    await takesMail('shared-0', true)
    await until('its relay says so', async () => {
      const told = (await stage.status()).pods?.[1] as { name?: string; drain?: { state?: string } } | undefined
      return told?.name === 'shared-1' && told.drain?.state === 'Draining'
    })
    expect(await stage.replicas()).toBe(2)
    stage.pods.delivers = true
    await isSmaller()
    expect(stage.pods.mail.get('shared-1')).toBe(0)
    await stage.isGone('pods', 'shared-1')
    await isSaid()
    expect((await stage.status()).spools).toMatchObject([{ name: 'shared-0' }])
  })

  test('while the only one that is to stay takes no mail, nobody does, and that is told', async () => {
    await leavesWithMail()
    const conditions = [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady' }]
    accepted(await admin.patch(`${stage.at('pods', 'shared-0')}/status`, { status: { conditions } }))
    await until('it is told', async () => (await stage.condition('Ready'))?.reason === 'NoRelayReady', 30_000)
    expect((await stage.condition('Available'))?.status).toBe('False')
  })

  test('K30: a pod from which somebody took its clients, or that somebody told to leave, takes mail again', async () => {
    await make(admin, stage.namespace, [policy('shared')])
    await stage.remembered(2)
    const mark = async (pod: string, metadata: Marks): Promise<void> =>
      void accepted(await admin.patch(stage.at('pods', pod), { metadata }))
    await mark('shared-0', { labels: { 'relayfleet.dev/takes-mail': 'mine' } })
    await mark('shared-1', { annotations: { 'relayfleet.dev/drain': '2026-01-01T00:00:00Z' } })
    await takesMail('shared-0', true)
    await takesMail('shared-1', true)
  })

  test('larger again in the middle of it: the pod takes mail again', async () => {
    await leavesWithMail()
    await scale(2)
    await isSaid()
    await takesMail('shared-1', true)
    expect(await stage.replicas()).toBe(2)
  })

  test('one by one from the top: an empty pod below one with mail stays with it', async () => {
    await make(admin, stage.namespace, [policy('shared', { replicas: 3 })])
    await stage.remembered(3)
    stage.pods.delivers = false
    stage.pods.mail.set('shared-2', 2)
    await scale(1)
    await until('the lower one is empty', async () => (await stage.status()).spools?.length === 2)
    expect(await stage.replicas()).toBe(3)
    stage.pods.delivers = true
    await isSmaller()
  })

  test('who made the StatefulSet smaller by hand, or deleted it, has delivered nothing', async () => {
    await leavesWithMail()
    accepted(await admin.patch(stage.at('statefulsets', 'shared'), { spec: { replicas: 1 } }))
    await until('the pod is to come back', async () => (await stage.replicas()) === 2)
    accepted(await admin.remove(stage.at('statefulsets', 'shared')))
    await until(
      'both are to come back',
      async () => (await admin.get(stage.at('statefulsets', 'shared'))).status === 200,
    )
    expect(await stage.replicas()).toBe(2)
    stage.pods.delivers = true
    await isSmaller()
    expect(stage.pods.mail.get('shared-1')).toBe(0)
  })

  test('one that had lost its spool goes, and what it had lost is told until a person lets it go (case S30)', async () => {
    await make(admin, stage.namespace, [policy('shared')])
    await stage.remembered(2)
    const found = '22222222-2222-4222-8222-222222222222'
    stage.pods.spools.set('shared-1', found)
    await until('it is told', async () => (await stage.condition('SpoolReset')) !== undefined, 30_000)
    await scale(1)
    await isSmaller()
    await stage.isGone('pods', 'shared-1')
    await isSaid()
    expect((await stage.condition('SpoolReset'))?.message).toContain(`shared-1 had spool ${found} in place of`)
    await stage.operator.stop()
    await stage.anotherOperator()
    await stage.edit({ metadata: { annotations: { 'relayfleet.dev/accept-spool': found } } })
    await until('it is forgotten', async () => (await stage.condition('SpoolReset')) === undefined, 30_000)
    expect((await stage.status()).spools).toMatchObject([{ name: 'shared-0' }])
    expect(await stage.replicas()).toBe(1)
  })

  test('its time is over: that is told, and only a person gives its mail up', async () => {
    await make(admin, stage.namespace, [policy('shared')])
    await stage.remembered(2)
    stage.pods.delivers = false
    stage.pods.mail.set('shared-1', 3)
    await scale(1, { availability: { drainTimeout: '1s' } })
    const { message } = await stage.told('DrainOverdue')
    expect(message).toContain('relayfleet.dev/discard-queue=true')
    expect(await stage.replicas()).toBe(2)
    await stage.edit({ metadata: { annotations: { 'relayfleet.dev/discard-queue': 'true' } } })
    await until('it is let go', async () => (await stage.replicas()) === 1)
    expect(stage.pods.mail.get('shared-1')).toBe(3)
    await stage.eventsSay('QueueLeft')
  })
})
