/** A policy is deleted on a real API server, with its real controllers: it is there until no relay has mail (cases S29, K29). */
import { isDeepStrictEqual } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { until } from '../local/until.ts'
import { type Api, accepted, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { type Condition, installCrds } from './install-crds.ts'
import { type LeavingStage, openLeavingStage } from './leaving-stage.ts'
import { ownedIn } from './ordeal/owned.ts'
import { isWrite } from './whole/operator-process.ts'
import { credential, domain, make, policy } from './whole/scenarios.ts'

const finalizer = 'relayfleet.dev/mail'

describe.runIf(givenCluster()?.controllers === true).concurrent('the deletion of a policy', { timeout: 90_000 }, () => {
  let admin: Api
  const remove = async (stage: LeavingStage, propagationPolicy = 'Background'): Promise<void> => {
    const options = { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy }
    accepted(await admin.request('DELETE', stage.at('relaypolicies', 'shared'), options))
  }
  /** Two relays, one of which has three messages and a next hop that takes none. */
  const withMail = async (): Promise<LeavingStage> => {
    const stage = await openLeavingStage(admin)
    await make(admin, stage.namespace, [policy('shared')])
    await stage.remembered(2)
    stage.pods.delivers = false
    stage.pods.mail.set('shared-1', 3)
    return stage
  }
  const isGone = async (stage: LeavingStage): Promise<void> => {
    await stage.isGone('relaypolicies')
    await stage.isGone('statefulsets')
  }
  const nothingIsLeft = ({ namespace }: LeavingStage, but: readonly string[]): Promise<unknown> =>
    until(
      'nothing of it is left',
      async () => {
        const left = await ownedIn(admin, [namespace])
        return isDeepStrictEqual(
          left.map(({ resource, object }) => `${resource.kind} ${object.metadata.name}`),
          but,
        )
      },
      20_000,
    )
  const credentialSays = async (stage: LeavingStage, word: string): Promise<boolean> =>
    JSON.stringify((await stage.get('relaycredentials', 'checkout'))['status'] ?? {}).includes(word)
  const finalizers = async (stage: LeavingStage): Promise<unknown> =>
    (await stage.get('relaypolicies')).metadata['finalizers']

  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
  })

  test('a policy stays with its relays until they have no mail, and says which of them has what, since when, and what to do', async () => {
    const stage = await withMail()
    await make(admin, stage.namespace, [domain(), credential('checkout')])
    await until('the credential is programmed', () => credentialSays(stage, 'Programmed'))
    await remove(stage)
    const { message } = await stage.told('Draining')
    expect(message).toMatch(/^the policy is being deleted, and is gone when no relay has mail; /)
    await until('the messages are counted', async () =>
      /shared-1 leaves since 2\S+ and has 2 messages or more/.test(
        (await stage.condition('ScalingDown'))?.message ?? '',
      ),
    )
    expect(message).toContain('stays on data-shared-1')
    expect(message).toContain('annotate the policy with relayfleet.dev/discard-queue=true')
    await stage.eventsSay('the policy is being deleted')
    expect(await stage.condition('Ready')).toMatchObject({ status: 'False', reason: 'Deleting' })
    await until('its credential says so, too', () => credentialSays(stage, 'is being deleted'))
    expect((await stage.get('pods', 'shared-1')).metadata['labels']).toMatchObject({
      'relayfleet.dev/takes-mail': 'false',
    })
    expect(await stage.replicas()).toBe(2)
    stage.pods.delivers = true
    await isGone(stage)
    expect(stage.pods.mail.get('shared-1')).toBe(0)
    await until('the log says that it went without mail', () =>
      stage.operator.told.some((t) => t.about === 'policy let go' && t.mail === 'none'),
    )
  })

  test('a policy has its finalizer before there is anything of it that takes mail', async () => {
    const stage = await openLeavingStage(admin)
    await make(admin, stage.namespace, [policy('shared')])
    await stage.remembered(2)
    const writes = stage.operator.proxy.seen.filter(isWrite).map(({ path }) => path.split('/').slice(-2).join('/'))
    const [kept, made] = [writes.indexOf('relaypolicies/shared'), writes.indexOf('statefulsets/shared')]
    expect(kept).toBeGreaterThanOrEqual(0)
    expect(made).toBeGreaterThan(kept)
    await stage.edit({ metadata: { finalizers: ['example.org/of-others'] } })
    await until('the policy has its finalizer again', async () =>
      JSON.stringify(await finalizers(stage)).includes(finalizer),
    )
    await remove(stage)
    await until('the finalizer is gone', async () => !JSON.stringify(await finalizers(stage)).includes(finalizer))
    expect(await finalizers(stage)).toEqual(['example.org/of-others'])
    await stage.edit({ metadata: { finalizers: null } })
    await isGone(stage)
  })

  test('a policy obeys an edit while it waits: another smarthost, by which the mail can leave', async () => {
    const stage = await withMail()
    await remove(stage)
    await stage.told('Draining')
    const smarthosts = [{ name: 'other', host: 'other.example.net', port: 587 }]
    await stage.edit({ spec: { routes: [{ name: 'default', type: 'Smarthost', smarthosts }] } })
    await until('the relays have it', async () => {
      const { data } = (await stage.get('secrets', 'shared-relay-config-0')) as unknown as {
        readonly data: Readonly<Record<string, string>>
      }
      return Buffer.from(data['relay.json'] ?? '', 'base64').includes('other.example.net')
    })
    stage.pods.delivers = true
    await isGone(stage)
  })

  test('a policy goes without its mail being delivered when a person says so', async () => {
    const stage = await withMail()
    await remove(stage)
    await stage.told('Draining')
    await stage.edit({ metadata: { annotations: { 'relayfleet.dev/discard-queue': 'true' } } })
    await isGone(stage)
    expect(stage.pods.mail.get('shared-1')).toBe(3)
    await stage.eventsSay('QueueLeft')
    await until('the log says that its mail was given up', () =>
      stage.operator.told.some((t) => t.about === 'policy let go' && t.mail === 'given up'),
    )
  })

  test('a policy stays while a relay does not say whether it is empty', async () => {
    const stage = await withMail()
    stage.pods.silent.add('shared-1')
    stage.pods.delivers = true
    await remove(stage)
    const { message } = await stage.told('DrainUnknown')
    expect(message).toContain('shared-1 leaves since')
    expect(message).toContain('does not say what it has')
    expect(await stage.replicas()).toBe(2)
    stage.pods.silent.delete('shared-1')
    await isGone(stage)
    expect(stage.pods.mail.get('shared-1')).toBe(0)
  })

  test('a policy waits for its mail also when it is held, with the configuration that its relays have', async () => {
    const stage = await withMail()
    const tls = { mode: 'StartTLS', certificateRef: { name: 'nowhere' } }
    await stage.edit({ spec: { listeners: [{ name: 'submission', port: 587, tls }] } })
    await until('the policy is held', async () => (await stage.condition('Programmed'))?.reason === 'Held')
    await remove(stage)
    await stage.told('Draining')
    expect(await stage.replicas()).toBe(2)
    stage.pods.delivers = true
    await isGone(stage)
    expect(stage.pods.mail.get('shared-1')).toBe(0)
  })

  test('a policy waits for an operator that is away, and is let go by the next', async () => {
    const stage = await withMail()
    await stage.operator.stop()
    stage.pods.delivers = true
    await remove(stage)
    expect((await stage.get('relaypolicies')).metadata['deletionTimestamp']).toBeDefined()
    expect(await stage.replicas()).toBe(2)
    await stage.anotherOperator()
    await isGone(stage)
    expect(stage.pods.mail.get('shared-1')).toBe(0)
  })

  test('a policy goes at once where no relay ever had a volume', async () => {
    const stage = await openLeavingStage(admin)
    await make(admin, stage.namespace, [policy('shared', { replicas: 0 })])
    await until(
      'the StatefulSet is made',
      async () => (await admin.get(stage.at('statefulsets', 'shared'))).status === 200,
    )
    await remove(stage)
    await isGone(stage)
  })

  test('a policy that is deleted in the foreground gets back what the garbage collector took, and delivers its mail', async () => {
    const stage = await withMail()
    await remove(stage, 'Foreground')
    await until(
      'the collector has been there',
      async () => !JSON.stringify(await finalizers(stage)).includes('foreground'),
    )
    await stage.told('Draining')
    expect(await stage.replicas()).toBe(2)
    stage.pods.delivers = true
    await isGone(stage)
    expect(stage.pods.mail.get('shared-1')).toBe(0)
  })

  test('a policy takes its relays along in the end, also when it is deleted with the propagation policy Orphan', async () => {
    const stage = await withMail()
    await remove(stage, 'Orphan')
    await stage.told('Draining')
    expect(await stage.replicas()).toBe(2)
    stage.pods.delivers = true
    await isGone(stage)
    expect(stage.pods.mail.get('shared-1')).toBe(0)
  })

  test('a policy leaves nothing behind, not even objects whose owner reference somebody has removed', async () => {
    const stage = await withMail()
    await remove(stage)
    await stage.told('Draining')
    const all = await ownedIn(admin, [stage.namespace])
    expect(new Set(all.map(({ resource }) => resource.kind)).size).toBeGreaterThanOrEqual(4)
    // A copy that somebody made, labels and all, is not ours, whatever becomes of the rest.
    const service = all.find(({ object }) => object.metadata.name === 'shared-pods')
    const { uid: _, resourceVersion: __, ownerReferences: ___, ...metadata } = service?.object.metadata ?? { name: '' }
    const copy = { ...service?.object, metadata: { ...metadata, name: 'shared-copy' } }
    accepted(
      await admin.request('POST', `/api/v1/namespaces/${stage.namespace}/services`, {
        ...copy,
        spec: { ports: [{ port: 25 }] },
      }),
    )
    for (const { path } of all) await admin.patch(path, { metadata: { ownerReferences: null } })
    stage.pods.delivers = true
    await isGone(stage)
    await nothingIsLeft(stage, ['Service shared-copy'])
  })

  test('a policy leaves nothing behind when it is deleted with the propagation policy Orphan while no relay has mail', async () => {
    const stage = await openLeavingStage(admin)
    await make(admin, stage.namespace, [policy('shared')])
    await stage.remembered(2)
    await remove(stage, 'Orphan')
    await isGone(stage)
    await nothingIsLeft(stage, [])
  })

  test('a policy says, as its credential does, that its namespace is being deleted, and no longer that it is ready', async () => {
    const stage = await openLeavingStage(admin)
    await make(admin, stage.namespace, [policy('shared'), domain(), credential('checkout')])
    await stage.remembered(2)
    await until('the credential is programmed', () => credentialSays(stage, 'Programmed'))
    const pod = stage.at('pods', 'shared-1')
    accepted(await admin.patch(pod, { metadata: { finalizers: ['example.org/kept'] } }))
    accepted(await admin.remove(`/api/v1/namespaces/${stage.namespace}`))
    const says = async (kind: string, name: string) => {
      const { conditions = [] } = ((await stage.get(kind, name))['status'] ?? {}) as {
        conditions?: readonly Condition[]
      }
      return conditions.find(({ type }) => type === 'Ready')
    }
    for (const [kind, name] of [
      ['relaypolicies', 'shared'],
      ['relaycredentials', 'checkout'],
    ] as const) {
      await until(`${kind} says so`, async () => (await says(kind, name))?.reason === 'NamespaceDeleted', 20_000)
      expect(await says(kind, name)).toMatchObject({ status: 'False' })
    }
    accepted(await admin.patch(pod, { metadata: { finalizers: null } }))
    await until(
      'the namespace is gone',
      async () => (await admin.get(`/api/v1/namespaces/${stage.namespace}`)).status === 404,
      60_000,
    )
  })

  test('a policy keeps no namespace from going, since its pods and volumes go all the same, and the log says so', async () => {
    const stage = await withMail()
    accepted(await admin.remove(`/api/v1/namespaces/${stage.namespace}`))
    await until(
      'the namespace is gone',
      async () => (await admin.get(`/api/v1/namespaces/${stage.namespace}`)).status === 404,
      60_000,
    )
    expect(stage.operator.told).toContainEqual({
      about: 'policy let go',
      fleet: `${stage.namespace}/shared`,
      mail: 'went with its namespace',
    })
  })
})
