/** `rotate`, `suspend` and `resume` change one field with the person's own right, and tell who would be cut off, or may set it back. */
import { beforeAll, describe, expect, test } from 'vitest'
import { commanded } from '../operator/cli/commanded.ts'
import { type Api, accepted, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { declarer } from './declare.ts'
import type { Rule } from './grant.ts'
import { installCrds } from './install-crds.ts'
import { newNamespace } from './namespace.ts'
import { person, readsOurKinds } from './person.ts'

const fine = { Accepted: 'True', ResolvedRefs: 'True', Programmed: 'True', Ready: 'True' } as const
const changes: Rule = {
  apiGroups: ['relayfleet.dev'],
  resources: ['relaycredentials', 'relaypolicies'],
  verbs: ['get', 'patch'],
}
const verifier = `sha256:${'a'.repeat(64)}`
const active = { id: 'k2', state: 'Active', verifier, createdAt: '2026-06-01T00:00:00Z' }
const retiring = { id: 'k1', state: 'Retiring', verifier, replacedAt: '2026-06-01T00:00:00Z' }
const used = { lastUsedAt: '2026-06-01T10:20:00Z', lastUsedFrom: { network: '192.0.2.0/24' } }

describe.runIf(givenCluster() !== undefined)('a person at the command line', () => {
  let api: Api
  beforeAll(async () => {
    api = apiOf(theCluster().access)
    await installCrds(api)
  })

  async function given(keys: readonly object[] = [active], rules: readonly Rule[] = [readsOurKinds, changes]) {
    const namespace = await newNamespace({ ...theCluster(), controllers: false }, api)
    const declare = declarer(api, namespace)
    await declare.policy('shared', {}, fine)
    await declare.credential('web', {}, fine, { keys })
    const kubeconfig = await person(theCluster().access, api, { [namespace]: rules })
    const path = (plural: string, name: string) =>
      `/apis/relayfleet.dev/v1alpha1/namespaces/${namespace}/${plural}/${name}`
    return {
      namespace,
      path: path('relaycredentials', 'web'),
      command: async (...argv: readonly string[]) => {
        const { code, out, err } = await commanded(...argv, '-n', namespace, '--kubeconfig', kubeconfig)
        return { code, out: out.replaceAll(namespace, 'NS').trimEnd(), err: err.replaceAll(namespace, 'NS').trimEnd() }
      },
      spec: async (plural = 'relaycredentials', name = 'web') =>
        accepted(await api.get(path(plural, name)))['spec'] as {
          rotation: { trigger?: string; overlap: string }
          suspended: boolean
        },
    }
  }

  test('rotate sets the trigger, and nothing else', async () => {
    const { command, spec, path } = await given()
    const before = await spec()
    const { code, out, err } = await command('rotate', 'web')
    const { trigger, ...rest } = (await spec()).rotation
    expect([code, err, trigger]).toEqual([0, '', expect.stringMatching(/^20\d\d-.*Z$/)])
    expect(out).toBe(
      `RelayCredential NS/web gets another password (trigger ${trigger}); relayfleet status -o wide tells how far it is`,
    )
    expect({ ...(await spec()), rotation: rest }).toEqual(before)
    const managers = accepted(await api.get(path)).metadata['managedFields'] as readonly { manager: string }[]
    expect(managers.map((m) => m.manager)).toContain('relayfleet-cli')
  })

  test('rotate cuts nobody off unless it is forced', async () => {
    const { command, spec } = await given([active, { ...retiring, ...used }])
    expect(await command('rotate', 'web')).toEqual({
      code: 1,
      out: '',
      err:
        'relayfleet: this would end key k1, which was used from 192.0.2.0/24 after it was replaced; ' +
        'have that client read the Secret anew first, or give --force',
    })
    expect((await spec()).rotation).not.toHaveProperty('trigger')
    const { code, out } = await command('rotate', 'web', '--force', '-o', 'json')
    expect([code, JSON.parse(out)]).toEqual([
      0,
      { object: 'RelayCredential NS/web', spec: { rotation: { trigger: (await spec()).rotation.trigger } }, notes: [] },
    ])
  })

  test('rotate asks for no --force where nobody has used the older key since it was replaced', async () => {
    const { command } = await given([active, { ...retiring, ...used, lastUsedAt: '2026-05-31T23:59:00Z' }])
    expect((await command('rotate', 'web')).code).toBe(0)
  })

  test.each([
    ['an annotation of Argo CD', { annotations: { 'argocd.argoproj.io/tracking-id': 'x' } }, 'Argo CD'],
    ['a label of Flux', { labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' } }, 'Flux'],
  ])('suspend names who may set it back: %s', async (_name, metadata, keeper) => {
    const { command, path, spec } = await given()
    accepted(await api.patch(path, { metadata }))
    const { code, err } = await command('suspend', 'web')
    expect([code, (await spec()).suspended]).toEqual([0, true])
    expect(err).toBe(
      `${keeper} keeps this object too and may set that back: make the same change where it takes it from`,
    )
  })

  test('resume says that a fleet which is held stays suspended, and until when', async () => {
    const { namespace, command, spec } = await given()
    await declarer(api, namespace).policy(
      'held',
      { suspended: true },
      {
        Accepted: ['False', 'Invalid', 'a field is wrong'],
        Programmed: ['False', 'Held', 'what was running stays as it was'],
      },
    )
    const { code, out, err } = await command('resume', '--policy', 'held')
    expect([code, (await spec('relaypolicies', 'held')).suspended]).toEqual([0, false])
    expect(out).toBe('RelayPolicy NS/held is to be suspended no longer')
    expect(err).toBe(
      'its fleet is held, so it stays suspended until that is mended: what was running stays as it was; relayfleet check ' +
        'tells what is wrong',
    )
    const { notes } = JSON.parse((await command('resume', '--policy', 'held', '-o', 'json')).out)
    expect(notes).toEqual([err])
  })

  test('rotate says that a credential of a fleet which is held gets its password when that is mended', async () => {
    const { namespace, command, spec } = await given()
    const held = ['False', 'Held', 'the relays of RelayPolicy x/y stay as they were'] as const
    await declarer(api, namespace).credential('late', {}, { ...fine, Programmed: held }, { keys: [active] })
    const { code, out, err } = await command('rotate', 'late')
    const { trigger } = (await spec('relaycredentials', 'late')).rotation
    expect([code, trigger]).toEqual([0, expect.stringMatching(/^20\d\d-.*Z$/)])
    expect(out).toBe(`RelayCredential NS/late is to get another password (trigger ${trigger})`)
    expect(err).toBe(
      'its fleet is held, so its password stays as it is until that is mended: the relays of RelayPolicy x/y stay as ' +
        'they were; relayfleet check tells what is wrong',
    )
  })

  test('suspend and resume change a credential, and a policy', async () => {
    const { command, spec } = await given()
    expect((await command('suspend', 'web')).out).toContain(
      'RelayCredential NS/web is suspended: its logins are refused',
    )
    expect((await spec()).suspended).toBe(true)
    expect((await command('resume', 'web')).out).toBe('RelayCredential NS/web is suspended no longer')
    expect((await spec()).suspended).toBe(false)
    expect((await command('suspend', '--policy', 'shared')).out).toContain(
      'new sessions are answered with 421, and what is queued waits',
    )
    expect((await spec('relaypolicies', 'shared')).suspended).toBe(true)
    await command('resume', '--policy', 'shared')
    expect((await spec('relaypolicies', 'shared')).suspended).toBe(false)
  })

  test('rotate says that a credential is not there, or which right is missing', async () => {
    const { command } = await given()
    expect(await command('rotate', 'wbe')).toMatchObject({
      code: 2,
      err: expect.stringContaining('there is no RelayCredential NS/wbe in the cluster'),
    })
    const onlyReads = await given([active], [readsOurKinds])
    expect(await onlyReads.command('rotate', 'web')).toMatchObject({
      code: 3,
      err: expect.stringContaining('you may not patch relaycredentials.relayfleet.dev in namespace NS'),
    })
  })

  test('status shows the keys of credentials with more than one, and with -o wide of all', async () => {
    const { command } = await given([active, { ...retiring, ...used }])
    const lines = (out: string) => out.split('\n').map((line) => line.replaceAll(/(?<=\S) {3,}/g, '   '))
    const { out } = await command('status', '--no-live')
    expect(lines(out)).toEqual(
      expect.arrayContaining([
        'CREDENTIAL   KEY   STATE   SINCE   LAST USED   FROM',
        'NS/web   k2   Active   2026-06-01T00:00Z   -   -',
        'NS/web   k1   Retiring   ?   2026-06-01T10:20Z   192.0.2.0/24',
      ]),
    )
    const one = await given()
    expect((await one.command('status', '--no-live')).out).not.toContain('CREDENTIAL ')
    expect((await one.command('status', '--no-live', '-o', 'wide')).out).toContain('k2    Active')
    const { credentials } = JSON.parse((await one.command('status', '--no-live', '-o', 'json')).out)
    expect(credentials).toEqual([
      { name: 'NS/web', keys: [{ id: 'k2', state: 'Active', createdAt: active.createdAt }] },
    ])
  })
})
