/** A fleet that is made smaller, on a real API server with a real StatefulSet controller, loses only pods without mail (case S29). */
import { beforeAll, describe, expect, test } from 'vitest'
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

describe.runIf(givenCluster()?.controllers === true).concurrent('making a fleet smaller', { timeout: 90_000 }, () => {
  let admin: Api
  const scale = (stage: LeavingStage, count: number, more: object = {}): Promise<void> =>
    stage.edit({ spec: { replicas: count, ...more } })
  const isSmaller = (stage: LeavingStage): Promise<unknown> =>
    until('the fleet is made smaller', async () => (await stage.replicas()) === 1, 30_000)
  const isSaid = (stage: LeavingStage): Promise<unknown> =>
    until(
      'the policy says nothing of it any more',
      async () => (await stage.condition('ScalingDown')) === undefined,
      30_000,
    )

  /** Waits for the pod's own marks, since they are not written together with the status. */
  const takesMail = (stage: LeavingStage, pod: string, whether: boolean): Promise<unknown> =>
    until(`${pod} ${whether ? 'takes' : 'takes no'} mail`, async () => {
      const { annotations = {}, labels = {} } = (await stage.get('pods', pod)).metadata as Marks
      const leaves = 'relayfleet.dev/drain' in annotations
      return labels['relayfleet.dev/takes-mail'] === String(whether) && leaves !== whether
    })

  /** Tells the second of two pods to leave, which has mail that nobody takes. */
  const leavesWithMail = async (): Promise<LeavingStage> => {
    const stage = await openLeavingStage(admin)
    await make(admin, stage.namespace, [policy('shared')])
    await stage.remembered(2)
    stage.pods.delivers = false
    stage.pods.mail.set('shared-1', 3)
    await scale(stage, 1)
    await stage.told('Draining')
    return stage
  }

  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
  })

  test('a fleet keeps a pod with mail until it has none, and says which one leaves, since when, and what it has', async () => {
    const stage = await openLeavingStage(admin)
    await make(admin, stage.namespace, [policy('shared')])
    await stage.remembered(2)
    stage.pods.delivers = false
    stage.pods.mail.set('shared-1', 3)
    await scale(stage, 1)
    // The pod is to leave before it has been asked to, and only then there is a time.
    const since = /^1 relays are to stay; shared-1 leaves since 2/
    await until('the condition says since when the pod leaves', async () =>
      since.test((await stage.told('Draining')).message),
    )
    await takesMail(stage, 'shared-1', false)
    await takesMail(stage, 'shared-0', true)
    await until('the status has what the relay says', async () => {
      const told = (await stage.status()).pods?.[1] as { name?: string; drain?: { state?: string } } | undefined
      return told?.name === 'shared-1' && told.drain?.state === 'Draining'
    })
    expect(await stage.replicas()).toBe(2)
    stage.pods.delivers = true
    await isSmaller(stage)
    expect(stage.pods.mail.get('shared-1')).toBe(0)
    await stage.isGone('pods', 'shared-1')
    await isSaid(stage)
    expect((await stage.status()).spools).toMatchObject([{ name: 'shared-0' }])
  })

  test('a fleet says that no relay is ready while the only one that is to stay takes no mail', async () => {
    const stage = await leavesWithMail()
    const conditions = [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady' }]
    accepted(await admin.patch(`${stage.at('pods', 'shared-0')}/status`, { status: { conditions } }))
    await until('the policy says so', async () => (await stage.condition('Ready'))?.reason === 'NoRelayReady', 30_000)
    expect((await stage.condition('Available'))?.status).toBe('False')
  })

  test('K30: a fleet has a pod take mail again that somebody took its clients from, or told to leave', async () => {
    const stage = await openLeavingStage(admin)
    await make(admin, stage.namespace, [policy('shared')])
    await stage.remembered(2)
    const mark = async (pod: string, metadata: Marks): Promise<void> =>
      void accepted(await admin.patch(stage.at('pods', pod), { metadata }))
    await mark('shared-0', { labels: { 'relayfleet.dev/takes-mail': 'mine' } })
    await mark('shared-1', { annotations: { 'relayfleet.dev/drain': '2026-01-01T00:00:00Z' } })
    await takesMail(stage, 'shared-0', true)
    await takesMail(stage, 'shared-1', true)
  })

  test('a fleet has the leaving pod take mail again when it is made larger meanwhile', async () => {
    const stage = await leavesWithMail()
    await scale(stage, 2)
    await isSaid(stage)
    await takesMail(stage, 'shared-1', true)
    expect(await stage.replicas()).toBe(2)
  })

  test('a fleet loses pods from the top only: an empty pod below one with mail stays with it', async () => {
    const stage = await openLeavingStage(admin)
    await make(admin, stage.namespace, [policy('shared', { replicas: 3 })])
    await stage.remembered(3)
    stage.pods.delivers = false
    stage.pods.mail.set('shared-2', 2)
    await scale(stage, 1)
    await until('the spool of the lower pod is let go', async () => (await stage.status()).spools?.length === 2)
    expect(await stage.replicas()).toBe(3)
    stage.pods.delivers = true
    await isSmaller(stage)
  })

  test('a fleet gets its pods back when somebody makes its StatefulSet smaller or deletes it, until their mail is delivered', async () => {
    const stage = await leavesWithMail()
    accepted(await admin.patch(stage.at('statefulsets', 'shared'), { spec: { replicas: 1 } }))
    await until('the pod is to come back', async () => (await stage.replicas()) === 2)
    accepted(await admin.remove(stage.at('statefulsets', 'shared')))
    await until(
      'both are to come back',
      async () => (await admin.get(stage.at('statefulsets', 'shared'))).status === 200,
    )
    expect(await stage.replicas()).toBe(2)
    stage.pods.delivers = true
    await isSmaller(stage)
    expect(stage.pods.mail.get('shared-1')).toBe(0)
  })

  test('a fleet loses a pod that had lost its spool, and tells of that spool until a person accepts the loss (case S30)', async () => {
    const stage = await openLeavingStage(admin)
    await make(admin, stage.namespace, [policy('shared')])
    await stage.remembered(2)
    const found = '22222222-2222-4222-8222-222222222222'
    stage.pods.spools.set('shared-1', found)
    await until('the loss is told', async () => (await stage.condition('SpoolReset')) !== undefined, 30_000)
    await scale(stage, 1)
    await isSmaller(stage)
    await stage.isGone('pods', 'shared-1')
    await isSaid(stage)
    expect((await stage.condition('SpoolReset'))?.message).toContain(`shared-1 had spool ${found} in place of`)
    await stage.operator.stop()
    await stage.anotherOperator()
    await stage.edit({ metadata: { annotations: { 'relayfleet.dev/accept-spool': found } } })
    await until('the loss is forgotten', async () => (await stage.condition('SpoolReset')) === undefined, 30_000)
    expect((await stage.status()).spools).toMatchObject([{ name: 'shared-0' }])
    expect(await stage.replicas()).toBe(1)
  })

  test('a fleet says when a pod has not delivered its mail in time, which only a person gives up', async () => {
    const stage = await openLeavingStage(admin)
    await make(admin, stage.namespace, [policy('shared')])
    await stage.remembered(2)
    stage.pods.delivers = false
    stage.pods.mail.set('shared-1', 3)
    await scale(stage, 1, { availability: { drainTimeout: '1s' } })
    const { message } = await stage.told('DrainOverdue')
    expect(message).toContain('relayfleet.dev/discard-queue=true')
    expect(await stage.replicas()).toBe(2)
    await stage.edit({ metadata: { annotations: { 'relayfleet.dev/discard-queue': 'true' } } })
    await until('the StatefulSet is made smaller', async () => (await stage.replicas()) === 1)
    expect(stage.pods.mail.get('shared-1')).toBe(3)
    await stage.eventsSay('QueueLeft')
  })
})
