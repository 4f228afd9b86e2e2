/** Statuses say what the relays say, are written once, and belong to the object that they are written to. */
import { beforeAll, describe, expect, test } from 'vitest'
import { helmInstalled } from '../chart/helm.ts'
import { until } from '../local/until.ts'
import { onTestFinished } from '../own-test.ts'
import { accepted, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { installCrds } from './install-crds.ts'
import { installChart } from './installed-chart.ts'
import { openStage } from './reporter-stage.ts'

/** A stage of one test alone, and words for what is often waited for on it. */
async function opened() {
  const stage = await openStage()
  onTestFinished(() => stage.close())
  return {
    stage,
    policy: (said: string) => stage.stands('relaypolicies', 'shared', said),
    credential: (said: string, name = 'web') => stage.stands('relaycredentials', name, said),
    allReady: () => Promise.all(stage.relays.map((r) => r.say(true))),
    wipe: async (plural: 'relaypolicies' | 'relaycredentials', name: string): Promise<void> => {
      accepted(await stage.raw.patch(`${stage.path(plural, name)}/status`, { status: null }))
    },
  }
}

describe.runIf(givenCluster() !== undefined).concurrent('statuses', () => {
  beforeAll(() => installCrds(apiOf(theCluster().access)))

  test('a fleet that runs what was compiled is told once, with all that is known of its pods', async () => {
    const { stage, policy, allReady } = await opened()
    await allReady()
    const { writes } = await stage.operator()
    await policy('Ready True Ready')
    const status = await stage.statusOf('relaypolicies', 'shared')
    const hash = stage.relays[0]?.status.hash
    expect(status).toMatchObject({
      replicas: 2,
      readyReplicas: 2,
      configHash: hash,
      pods: ['shared-0', 'shared-1'].map((name) => ({ name, ready: true, configHash: hash, queued: 0 })),
    })
    expect(status?.conditions.map(({ type, status }) => `${type} ${status}`)).toEqual([
      'Accepted True',
      'ResolvedRefs True',
      'Programmed True',
      'Available True',
      'Degraded False',
      'Ready True',
    ])
    await stage.stands('senderdomains', 'example', 'Ready True Ready')
    const paths = writes().map(({ path }) => path)
    expect(paths).toHaveLength(2)
    // The queue grows and every relay is asked again: nothing is written.
    const asked = stage.relays.map((r) => r.asked)
    stage.relays.forEach((relay) => {
      relay.status = { ...relay.status, queue: { ready: 3, deferred: 9, inFlight: 1, oldestSeconds: 12.5 } }
    })
    await until('both were asked again', () => stage.relays.every((r, i) => r.asked > (asked[i] ?? 0)))
    expect(writes()).toHaveLength(2)
  })

  test('a relay that lags is named, and its kubelet nudged, until it has followed', async () => {
    const { stage, policy, allReady } = await opened()
    await allReady()
    const [, second] = stage.relays
    if (second === undefined) throw new Error('there are two')
    second.obeys = false
    const { nudged } = await stage.operator()
    const { message } = await policy('Programmed False NotLoaded')
    expect(message).toContain('1 of 2 ready relays')
    expect(message).toContain('shared-1 has sha256:000000000000')
    expect(message).not.toContain('shared-0')
    await until('the kubelet was nudged', () => nudged.includes('shared-1'))
    expect(nudged).not.toContain('shared-0')
    second.status = { ...second.status, hash: stage.relays[0]?.status.hash ?? '' }
    await policy('Programmed True Programmed')
    await policy('Ready True Ready')
  })

  test('a smarthost that every relay has left out is told with its reply, and once', async () => {
    const { stage, policy, allReady } = await opened()
    await allReady()
    const { writes } = await stage.operator()
    const says = (id: number): void => {
      for (const relay of stage.relays) {
        const at = new Date(1_800_000_000_000 + id).toISOString()
        const lastReply = { code: 454, status: '4.7.0', text: `not now (${relay.name}-${id})`, at }
        const smarthost = { route: 'default', name: 'ses', health: 'ejected', ejectedUntil: at, lastReply } as const
        relay.status = { ...relay.status, smarthosts: [smarthost] }
      }
    }
    says(1)
    const { message } = await policy('Degraded True SmarthostEjected')
    expect(message).toContain('default/ses')
    const lastReply = { code: 454, status: '4.7.0', text: 'not now (shared-0-1)' }
    expect((await stage.statusOf('relaypolicies', 'shared'))?.['routes']).toEqual([
      { name: 'default', smarthosts: [{ name: 'ses', health: 'Ejected', lastReply }] },
    ])
    const before = writes().length
    const asked = stage.relays.map((r) => r.asked)
    says(2)
    await until('both were asked again', () => stage.relays.every((r, i) => r.asked > (asked[i] ?? 0)))
    expect(writes()).toHaveLength(before)
  })

  test('a limit store that does not answer is told with an Event, and takes readiness from nobody', async () => {
    const { stage, policy, allReady } = await opened()
    await allReady()
    const { occasions } = await stage.operator()
    await policy('Degraded False AsExpected')
    const limitStore = { state: 'Away', why: 'it says NOAUTH', since: '2027-01-31T10:00:00Z' } as const
    for (const relay of stage.relays) relay.status = { ...relay.status, limitStore }
    await until('both are named, and why', async () => {
      const { message } = await policy('Degraded True LimitStoreAway')
      return message.includes('shared-0, shared-1 (it says NOAUTH)')
    })
    await policy('Ready True Ready')
    await until('an Event tells it', () => occasions.some(({ reason }) => reason === 'LimitStoreAway'))
  })

  test('a relay that comes up with another volume is told until a person accepts it, also by an operator that is started since (case S30)', async () => {
    const { stage, policy, allReady } = await opened()
    const [first, second] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222']
    const [relay] = stage.relays
    if (relay === undefined) throw new Error('there are two')
    const has = (spoolId: string): void => {
      relay.status = { ...relay.status, spoolId }
    }
    const spools = async () => (await stage.statusOf('relaypolicies', 'shared'))?.['spools']
    await allReady()
    has(first)
    const before = await stage.operator()
    await policy('Ready True Ready')
    await until('its spool is remembered', async () => JSON.stringify(await spools())?.includes(first))
    expect(before.occasions.map(({ reason }) => reason)).not.toContain('SpoolReplaced')
    await before.stop()
    has(second)
    const after = await stage.operator()
    const { message } = await policy('SpoolReset True SpoolReplaced')
    expect(message).toContain(`shared-0 has spool ${second} in place of ${first} (claim data-shared-0)`)
    await until('there is an Event', () => after.occasions.some(({ reason }) => reason === 'SpoolReplaced'))
    const annotations = { 'relayfleet.dev/accept-spool': second }
    accepted(await stage.raw.patch(stage.path('relaypolicies', 'shared'), { metadata: { annotations } }))
    await until('the former spool is forgotten', async () => {
      const status = await stage.statusOf('relaypolicies', 'shared')
      return !status?.conditions.some(({ type }) => type === 'SpoolReset')
    })
    expect(await spools()).toEqual([{ name: 'shared-0', id: second }])
  })

  test('why no relay is ready is told in the kubelet’s words', async () => {
    const { stage, policy } = await opened()
    await stage.relays[0]?.say(false, { reason: 'ImagePullBackOff', message: 'no such image' })
    await stage.operator()
    const { message } = await policy('Programmed False NoRelayReady')
    expect(message).toContain('shared-0: ImagePullBackOff: no such image')
    await policy('Available False MinimumReplicasUnavailable')
  })

  test('a new credential goes from nothing to its key and Programmed in one write', async () => {
    const { stage, policy, credential, allReady } = await opened()
    await allReady()
    const operator = await stage.operator()
    await policy('Ready True Ready')
    const turns = operator.turns()
    await stage.declare.credential('web', {})
    await until('the credential is compiled without a key', () => operator.turns() > turns)
    const looks = operator.looks()
    await until('the reporter has looked at the credential', () => operator.looks() > looks)
    stage.give('web')
    operator.compile()
    await credential('Ready True Ready')
    expect(await stage.statusOf('relaycredentials', 'web')).toMatchObject({ keys: [{ id: 'k1' }] })
    expect(operator.writes().filter(({ path }) => path.includes('relaycredentials'))).toHaveLength(1)
  })

  test('keys get into the status also when the fleet does not settle, and a credential that was well stays so', async () => {
    const { stage, credential, allReady } = await opened()
    await allReady()
    const operator = await stage.operator()
    await stage.declare.credential('old', {})
    stage.give('old')
    operator.compile()
    await credential('Programmed True Programmed', 'old')
    for (const relay of stage.relays) relay.obeys = false
    await stage.declare.credential('web', {})
    stage.give('web')
    operator.compile()
    await until('its key stands', async () => {
      const status = await stage.statusOf('relaycredentials', 'web')
      return (status?.['keys'] as readonly unknown[] | undefined)?.length === 1
    })
    await credential('Programmed False PolicyNotProgrammed')
    await credential('Programmed True Programmed', 'old')
  })

  test('a status that was wiped by hand comes back', async () => {
    const { stage, policy, allReady, wipe } = await opened()
    await allReady()
    await stage.operator()
    await policy('Ready True Ready')
    await wipe('relaypolicies', 'shared')
    await policy('Ready True Ready')
    expect(await stage.statusOf('relaypolicies', 'shared')).toMatchObject({ readyReplicas: 2 })
  })

  test('an object that is made anew under a name gets its own status, and nothing of the earlier one', async () => {
    const { stage, credential, allReady } = await opened()
    await allReady()
    const operator = await stage.operator()
    await stage.declare.credential('web', {})
    await credential('Programmed Unknown Pending')
    accepted(await stage.raw.remove(stage.path('relaycredentials', 'web')))
    await stage.declare.credential('web', { policyRef: { name: 'nobody' } })
    await credential('Accepted False PolicyNotFound')
    const occasion = await until('there is an Event', () =>
      operator.occasions.find((o) => o.reason === 'PolicyNotFound'),
    )
    const { metadata } = await stage.get('relaycredentials', 'web')
    expect(occasion.regarding).toMatchObject({ namespace: stage.namespace, name: 'web', uid: metadata['uid'] })
  })

  test('what is wrong with a binding is told, too', async () => {
    const { stage, credential, allReady } = await opened()
    await allReady()
    const operator = await stage.operator()
    await stage.declare.credential('web', {})
    stage.give('web')
    const message = 'Secret web is somebody else’s'
    operator.troubles.set(`${stage.namespace}/web`, {
      type: 'Accepted',
      status: 'False',
      reason: 'Conflicted',
      message,
    })
    operator.compile()
    expect((await credential('Accepted False Conflicted')).message).toBe(message)
    await credential('Ready False Conflicted')
  })

  test('an operator that is started again writes no status and makes no Event', async () => {
    const { stage, policy, credential, allReady } = await opened()
    await allReady()
    const first = await stage.operator()
    await stage.declare.credential('web', { policyRef: { name: 'nobody' } })
    await credential('Ready False PolicyNotFound')
    await policy('Ready True Ready')
    await first.stop()
    const asked = stage.relays.map((r) => r.asked)
    const second = await stage.operator()
    await until('the second operator knows as much', () => stage.relays.every((r, i) => r.asked > (asked[i] ?? 0)))
    expect(second.writes()).toEqual([])
    expect(second.occasions).toEqual([])
  })

  test('a standby asks no relay and writes nothing, and takes over at once', async () => {
    const { stage, policy, allReady } = await opened()
    await allReady()
    const standby = await stage.operator({ leads: false })
    await until('the standby has seen everything', () => standby.turns() > 0)
    await stage.relays[0]?.say(false)
    await stage.relays[0]?.say(true)
    expect(stage.relays.map((r) => r.asked)).toEqual([0, 0])
    expect(standby.writes()).toEqual([])
    standby.leads = true
    await policy('Ready True Ready')
  })

  test('trouble with writing the fleet is told, and what runs is not taken for the newest', async () => {
    const { stage, policy, allReady } = await opened()
    await allReady()
    const operator = await stage.operator()
    operator.trouble = 'Service shared is not ours'
    operator.compile()
    expect((await policy('Programmed False NotWritten')).message).toContain('Service shared is not ours')
  })

  test.runIf(helmInstalled())('the operator’s account may do all of it', async () => {
    const { stage, policy, allReady } = await opened()
    await allReady()
    const chart = await installChart(theCluster(), stage.raw)
    try {
      await stage.operator({ as: chart.asOperator })
      await policy('Ready True Ready')
    } finally {
      await chart.uninstall()
    }
  })
})
