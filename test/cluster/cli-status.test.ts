/** `status` fills one screen: by the statuses for whoever may see no more, by the pods' own pages for whoever may ask them. */
import { beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { commanded } from '../operator/cli/commanded.ts'
import { type Api, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { clusterBut, leases } from './cluster-but.ts'
import { declarer } from './declare.ts'
import type { Rule } from './grant.ts'
import { installCrds } from './install-crds.ts'
import { newNamespace } from './namespace.ts'
import { kubeconfigFile, person, readsOurKinds } from './person.ts'
import { makeRelayPods } from './relay-pods.ts'

const fine = { Accepted: 'True', ResolvedRefs: 'True', Programmed: 'True', Ready: 'True' } as const
const [newHash, oldHash] = [`sha256:${'a'.repeat(64)}`, `sha256:${'b'.repeat(64)}`]
const listsPods: Rule = { apiGroups: [''], resources: ['pods'], verbs: ['list'] }
const roundFigures = 'queues are as the statuses tell, in round figures and up to a minute old'

describe.runIf(givenCluster() !== undefined)('status of a cluster', () => {
  let api: Api
  beforeAll(async () => {
    api = apiOf(theCluster().access)
    await installCrds(api)
  })

  /** A fleet of two, of which one is not ready, with a credential. */
  async function fleet() {
    const namespace = await newNamespace(theCluster(), api)
    const declare = declarer(api, namespace)
    await declare.domain('example', { domain: `${namespace}.example` }, fine)
    await declare.policy('shared', {}, fine, {
      configHash: newHash,
      replicas: 2,
      readyReplicas: 1,
      listeners: [{ name: 'submission', address: `shared.${namespace}.svc:587`, credentials: 1 }],
      pods: [
        { name: 'shared-0', ready: true, configHash: newHash, queued: 20 },
        { name: 'shared-1', ready: false, configHash: oldHash, queued: 0 },
      ],
    })
    await declare.credential('web', {}, fine)
    const status = async (kubeconfig: string, ...more: readonly string[]) => {
      const where = more.includes('-A') ? [] : ['-n', namespace]
      const { code, out, err } = await commanded('status', '--kubeconfig', kubeconfig, ...where, ...more)
      const told = (text: string) =>
        text
          .trimEnd()
          .replaceAll(namespace, 'NS')
          .replaceAll(/(?<=\S) {3,}/g, '   ')
      return { code, err: told(err), lines: told(out).split('\n') }
    }
    return { namespace, declare, status }
  }

  const reader = (namespace: string, ...more: readonly Rule[]): Promise<string> =>
    person(theCluster().access, api, { [namespace]: [readsOurKinds, ...more] })

  const heading = 'FLEET   READY   PODS   CONFIGURATION   IN FORCE   QUEUED   OLDEST'

  test('shows what the operator wrote to whoever may see our kinds only', async () => {
    const { namespace, status } = await fleet()
    expect(await status(await reader(namespace))).toEqual({
      code: 0,
      err: '',
      lines: [
        heading,
        'NS/shared   True   1/2   aaaaaaaaaaaa   1/2   20   ?',
        '',
        'ready: 1 of 1 policies, 1 of 1 domains, 1 of 1 credentials',
        `${roundFigures}: you may not list pods in namespace NS; ask for a role with the verb list on pods there`,
      ],
    })
  })

  test('-o wide shows the pods, and why one is not ready, to whoever may list them', async () => {
    const { namespace, status } = await fleet()
    await makeRelayPods(api, namespace, 'shared', [
      { name: 'shared-0', ready: true },
      { name: 'shared-1', ready: false },
    ])
    expect(await status(await reader(namespace, listsPods), '-o', 'wide')).toEqual({
      code: 0,
      err: '',
      lines: [
        `${heading}   ENVIRONMENT   CREDENTIALS   LISTENERS`,
        'NS/shared   True   1/2   aaaaaaaaaaaa   1/2   20   ?   Production   1   shared.NS.svc:587',
        '',
        'POD   READY   CONFIGURATION   QUEUED   OLDEST   WHY NOT',
        'NS/shared-0   True   aaaaaaaaaaaa   20   ?',
        'NS/shared-1   False   bbbbbbbbbbbb   0   ?   ImagePullBackOff: there is no such image',
        '',
        'ready: 1 of 1 policies, 1 of 1 domains, 1 of 1 credentials',
        `${roundFigures}: you may not get pods/proxy in namespace NS; ask for a role with the verb get on pods/proxy there`,
      ],
    })
  })

  /** The kubeconfig of an administrator whose API server reaches the pods; what their pages say is the test's. */
  async function withPages(page: (pod: string) => object | undefined): Promise<string> {
    const { kubeconfig } = await clusterBut((request) => {
      const pod = /\/pods\/([^/]+):9465\/proxy\/status$/.exec(request.path)?.[1]
      if (pod === undefined) return leases()(request)
      const body = page(pod)
      return body === undefined ? { code: 503, body: { message: 'no route to the pod' } } : { code: 200, body }
    })
    return kubeconfig
  }
  const page = (queue: object, more: object = {}) => ({
    policy: 'any/shared',
    hash: newHash,
    stale: [],
    ready: true,
    notReady: [],
    queue: { ready: 0, deferred: 0, inFlight: 0, oldestSeconds: 0, ...queue },
    ...more,
  })
  const bothReady = [
    { name: 'shared-0', ready: true },
    { name: 'shared-1', ready: true },
  ]

  test('shows what the pods say themselves before what was written of them', async () => {
    const { namespace, status } = await fleet()
    await makeRelayPods(api, namespace, 'shared', bothReady)
    const pages = {
      'shared-0': page({ ready: 1, deferred: 2, oldestSeconds: 150 }),
      'shared-1': page({ inFlight: 1, oldestSeconds: 3 }),
    }
    const kubeconfig = await withPages((pod) => pages[pod as keyof typeof pages])
    expect(await status(kubeconfig)).toEqual({
      code: 0,
      err: '',
      lines: [
        heading,
        'NS/shared   True   2/2   aaaaaaaaaaaa   2/2   4   2m',
        '',
        'ready: 1 of 1 policies, 1 of 1 domains, 1 of 1 credentials',
      ],
    })
  })

  test('names a pod that does not answer, and makes nothing up for it', async () => {
    const { namespace, status } = await fleet()
    await makeRelayPods(api, namespace, 'shared', bothReady)
    const kubeconfig = await withPages((pod) => (pod === 'shared-0' ? page({ ready: 1, oldestSeconds: 5 }) : undefined))
    const { lines } = await status(kubeconfig)
    expect(lines[1]).toBe('NS/shared   True   2/2   aaaaaaaaaaaa   1/2   1   ?')
    expect(lines.at(-1)).toBe(
      `${roundFigures}, for NS/shared-1: no answer through the API server; does a NetworkPolicy stand between?`,
    )
  })

  test('--no-live asks no pod, and says nothing of rights', async () => {
    const { namespace, status } = await fleet()
    const { lines } = await status(await reader(namespace), '--no-live')
    expect(lines).toEqual([
      heading,
      'NS/shared   True   1/2   aaaaaaaaaaaa   1/2   20   ?',
      '',
      'ready: 1 of 1 policies, 1 of 1 domains, 1 of 1 credentials',
    ])
  })

  test('prints what is wrong below, with exit code 1', async () => {
    const { namespace, declare, status } = await fleet()
    const silent = ['False', 'NoAnswer', 'shared-1 does not answer'] as const
    await declare.policy('other', {}, { Accepted: 'True', Programmed: silent, Ready: silent })
    expect(await status(await reader(namespace), '--no-live')).toEqual({
      code: 1,
      err: '',
      lines: [
        heading,
        'NS/other   False   0/2   -   0/0   0   -',
        'NS/shared   True   1/2   aaaaaaaaaaaa   1/2   20   ?',
        '',
        'error: RelayPolicy NS/other Programmed: shared-1 does not answer (NoAnswer)',
        '',
        'ready: 1 of 2 policies, 1 of 1 domains, 1 of 1 credentials; 1 error',
      ],
    })
  })

  test('shows one fleet by its name, or says which name was meant', async () => {
    const { namespace, declare, status } = await fleet()
    await declare.policy('other', {}, fine)
    const kubeconfig = await reader(namespace)
    const { lines } = await status(kubeconfig, 'shared', '--no-live')
    expect(lines).toEqual([
      heading,
      'NS/shared   True   1/2   aaaaaaaaaaaa   1/2   20   ?',
      '',
      'ready: 1 of 1 policies, 1 of 1 credentials',
    ])
    expect((await status(kubeconfig, `${namespace}/shared`, '--no-live')).lines).toEqual(lines)
    expect(await status(kubeconfig, 'shard')).toEqual({
      code: 2,
      lines: [''],
      err: 'relayfleet: there is no RelayPolicy shard in namespace NS; did you mean shared?',
    })
  })

  test('shows of one fleet the credentials that have an error as well', async () => {
    const { namespace, declare, status } = await fleet()
    const error = ['False', 'Invalid', 'spec.networks.allow[0]: it is no network'] as const
    const networks = { allow: ['192.0.2.0/33'] }
    await declare.credential('broken', { networks }, { Accepted: error, Ready: error })
    const { code, lines } = await status(await reader(namespace), 'shared', '--no-live')
    expect(lines.slice(2)).toEqual([
      '',
      'error: RelayCredential NS/broken Accepted: spec.networks.allow[0]: it is no network (Invalid)',
      '',
      'ready: 1 of 1 policies, 1 of 2 credentials; 1 error',
    ])
    expect(code).toBe(1)
  })

  test.each([
    ['json', (text: string) => JSON.parse(text)],
    ['yaml', (text: string) => parse(text)],
  ] as const)('-o %s says the same for programs', async (form, read) => {
    const { namespace, status } = await fleet()
    const { code, lines } = await status(await reader(namespace), '--no-live', '-o', form)
    expect(code).toBe(0)
    expect(read(lines.join('\n'))).toEqual({
      fleets: [
        {
          name: 'NS/shared',
          environment: 'Production',
          ready: { status: 'True', reason: 'Ready', message: 'said by a test' },
          wanted: 2,
          configHash: newHash,
          listeners: [{ name: 'submission', address: 'shared.NS.svc:587' }],
          credentials: 1,
          pods: [
            { name: 'shared-0', ready: true, configHash: newHash, queued: 20 },
            { name: 'shared-1', ready: false, configHash: oldHash, queued: 0 },
          ],
        },
      ],
      credentials: [],
      findings: [],
      objects: {
        RelayPolicy: { all: 1, ready: 1 },
        SenderDomain: { all: 1, ready: 1 },
        RelayCredential: { all: 1, ready: 1 },
      },
      notes: [],
    })
  })

  test("takes the context's namespace where none is given, as kubectl does", async () => {
    const { namespace } = await fleet()
    const kubeconfig = kubeconfigFile(theCluster().access, { namespace })
    const { out } = await commanded('status', '--kubeconfig', kubeconfig, '--no-live', '-o', 'json')
    expect(JSON.parse(out).fleets).toMatchObject([{ name: `${namespace}/shared` }])
  })
})
