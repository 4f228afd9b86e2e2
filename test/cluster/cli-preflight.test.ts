/** What a person is told before any object is looked at: no cluster, no login, no kinds, no operator; and as kubectl's plugin. */
import { execFile } from 'node:child_process'
import { chmodSync, symlinkSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../local/temporary.ts'
import { until } from '../local/until.ts'
import { commanded } from '../operator/cli/commanded.ts'
import { type Api, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { clusterBut, kubeconfigOf, leases } from './cluster-but.ts'
import { declarer } from './declare.ts'
import { status as refusal } from './fault-proxy.ts'
import { installCrds } from './install-crds.ts'
import { newNamespace } from './namespace.ts'
import { kubeconfigFile } from './person.ts'

describe.runIf(givenCluster() !== undefined)('before any object is looked at', () => {
  let api: Api
  beforeAll(async () => {
    api = apiOf(theCluster().access)
    await installCrds(api)
  })

  test.each([['check'], ['status'], ['explain'], ['send-test']])('%s says that no cluster answers', async (verb) => {
    const file = kubeconfigOf({ ...theCluster().access, server: 'https://127.0.0.1:9' })
    const submission = ['--credential', 'a/web', '--from', 'a@b.example', '--to', 'c@d.example']
    const { code, out, err } = await commanded(verb, '--kubeconfig', file, ...(/^(ch|st)/.test(verb) ? [] : submission))
    expect([code, out]).toEqual([3, ''])
    expect(err).toBe(
      'relayfleet: no cluster answers at https://127.0.0.1:9: connect ECONNREFUSED 127.0.0.1:9; is it running, and is ' +
        'the --context the right one?\n',
    )
  })

  test('check says that the cluster does not know the login', async () => {
    const { access } = theCluster()
    const { code, err } = await commanded(
      ...['check', '--kubeconfig', kubeconfigOf({ ...access, login: { kind: 'token', token: 'wrong' } })],
    )
    expect(code).toBe(3)
    expect(err).toBe(
      `relayfleet: ${access.server} does not know you (401): log in again, or choose another --context\n`,
    )
  })

  test('status says that a context is not there, and which one was meant', async () => {
    const file = kubeconfigFile(theCluster().access)
    expect(await commanded('status', '--kubeconfig', file, '--context', 'tset')).toEqual({
      code: 3,
      out: '',
      err: 'relayfleet: there is no context tset in the kubeconfig; did you mean test?\n',
    })
  })

  test('check says that a cluster does not know our kinds', async () => {
    const { kubeconfig: none } = await clusterBut(({ path }) =>
      path === '/apis/relayfleet.dev/v1alpha1' ? refusal(404, 'NotFound') : 'pass',
    )
    const { code, out, err } = await commanded('check', '--kubeconfig', none)
    expect([code, out]).toEqual([3, ''])
    expect(err).toMatch(
      /^relayfleet: this cluster does not know relaypolicies\.relayfleet\.dev, senderdomains\.relayfleet\.dev, relaycredentials\.relayfleet\.dev: the CRDs are not installed/,
    )
  })

  test('check warns that the kinds are of another version', async () => {
    const namespace = await newNamespace(theCluster(), api)
    let older = ''
    await until('the schemas are published', async () => {
      const { body } = await api.get('/openapi/v3/apis/relayfleet.dev/v1alpha1')
      older = JSON.stringify(body).replaceAll('"displayNameAddress"', '"displayName"')
      return older.includes('"displayName"')
    })
    const { kubeconfig } = await clusterBut(({ path }) =>
      path === '/openapi/v3/apis/relayfleet.dev/v1alpha1' ? { code: 200, body: JSON.parse(older) } : leases()({ path }),
    )
    const { code, out } = await commanded('check', '--kubeconfig', kubeconfig, '-n', namespace)
    expect(code).toBe(0)
    expect(out.split('\n').slice(0, 2)).toEqual([
      'warning: CustomResourceDefinitions: the cluster does not know relaypolicies: ' +
        'spec.senderRules.headerFrom.displayNameAddress; install the CRDs of this version (OtherVersion)',
      'warning: CustomResourceDefinitions: the cluster knows relaypolicies: ' +
        'spec.senderRules.headerFrom.displayName and this relayfleet does not; use the newer relayfleet (OtherVersion)',
    ])
  })

  const lease = (holderIdentity: string, agoMs: number, manager = 'relayfleet') => ({
    metadata: { name: 'relayfleet', namespace: 'mail-system', managedFields: [{ manager, operation: 'Update' }] },
    spec: { holderIdentity, renewTime: new Date(Date.now() - agoMs).toISOString() },
  })
  const look =
    'Look: kubectl get pods -n mail-system -l app.kubernetes.io/name=relayfleet,app.kubernetes.io/component=operator'

  test.each([
    ['is held and renewed', [lease('one', 3000)], []],
    [
      'was not renewed for long',
      [lease('one', 5.5 * 60_000)],
      [
        'error: Lease mail-system/relayfleet: one holds it and was last heard 5 min ago: the operator is not running, ' +
          `so no edit takes effect; the relays go on. ${look} (OperatorNotRunning)`,
      ],
    ],
    [
      'is held by nobody',
      [lease('', 1000)],
      [
        'error: Lease mail-system/relayfleet: nobody holds it: the operator is not running, so no edit takes effect; ' +
          `the relays go on. ${look} (OperatorNotRunning)`,
      ],
    ],
    ['is left over beside one that is renewed', [lease('', 1000), lease('one', 3000)], []],
    ["is somebody else's", [lease('', 1000, 'kubelet')], []],
  ])("check judges an operator's Lease that %s", async (_name, items, lines) => {
    const namespace = await newNamespace(theCluster(), api)
    const { kubeconfig } = await clusterBut(leases(...items))
    const { code, out } = await commanded('check', '--kubeconfig', kubeconfig, '-n', namespace)
    expect(out.split('\n').filter((line) => line.includes('Lease'))).toEqual(lines)
    expect(code).toBe(lines.length === 0 ? 0 : 1)
  })

  test('kubectl runs relayfleet as its plugin, in the namespace of its context', async () => {
    const namespace = await newNamespace(theCluster(), api)
    await declarer(api, namespace).domain(
      'example',
      { domain: `${namespace}.example` },
      { Accepted: 'True', Ready: 'True' },
    )
    // The Lease of another suite would look like that of an operator that does not run.
    const { kubeconfig } = await clusterBut(leases())
    const folder = temporaryFolder()
    const { PATH = '', KUBECONFIG: _, ...env } = process.env
    const root = join(import.meta.dirname, '../..')
    await promisify(execFile)(process.execPath, ['build.ts', folder], { cwd: root })
    chmodSync(join(folder, 'relayfleet.js'), 0o755)
    symlinkSync(join(folder, 'relayfleet.js'), join(folder, 'kubectl-relayfleet'))
    const kubectl = (...argv: readonly string[]) =>
      promisify(execFile)(theCluster().kubectl, ['relayfleet', ...argv], {
        env: {
          ...env,
          PATH: [folder, join(process.execPath, '..'), PATH].join(delimiter),
          KUBECONFIG: kubeconfig,
        },
      })
    await promisify(execFile)(theCluster().kubectl, [
      'config',
      'set-context',
      '--current',
      `--namespace=${namespace}`,
      `--kubeconfig=${kubeconfig}`,
    ])
    const { stdout } = await kubectl('status', '--no-live', '-o', 'json')
    expect(JSON.parse(stdout).objects).toEqual({ SenderDomain: { all: 1, ready: 1 } })
    await expect(kubectl('status', 'nobody', '-n', namespace)).rejects.toMatchObject({ code: 2 })
  }, 120_000)
})
