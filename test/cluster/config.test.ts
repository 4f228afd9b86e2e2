/** `kubectl apply -k config/`, which installs Relayfleet without Helm, does so by a real kubectl on a real API server. */
import { spawnSync } from 'node:child_process'
import { appendFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { apiVersion, kinds } from '../../crds/kinds.ts'
import { until } from '../local/until.ts'
import { accepted, apiOf, type KubeObject } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'

const root = join(import.meta.dirname, '../..')
const namespace = 'relayfleet-system'

/**
 * Runs kubectl, and returns what it printed.
 * @throws Error with what kubectl said on its standard error
 */
function kubectl(...args: readonly string[]): string {
  const { kubectl: file, kubeconfig } = theCluster()
  const { status, stdout, stderr } = spawnSync(file, ['--kubeconfig', kubeconfig, ...args], {
    encoding: 'utf8',
    cwd: root,
  })
  if (status !== 0) throw new Error(stderr)
  return stdout
}

const isInstalled = async () => (await apiOf(theCluster().access).get(`/api/v1/namespaces/${namespace}`)).status === 200

describe.runIf(givenCluster() !== undefined)('kubectl apply -k', () => {
  let mine = false
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-config-'))
  afterAll(() => {
    rmSync(folder, { recursive: true })
    if (!mine) return
    for (const kind of ['clusterrole', 'clusterrolebinding']) kubectl('delete', kind, 'relayfleet-watcher')
    const policies = ['validatingadmissionpolicy', 'validatingadmissionpolicybinding']
    for (const kind of policies) kubectl('delete', kind, `${namespace}-relayfleet`)
    kubectl('delete', 'namespace', namespace, '--wait=false')
  })

  test('installs the kinds and the operator, and changes nothing the second time', async (context) => {
    context.skip(await isInstalled(), 'somebody runs an operator there')
    mine = true
    // What controllers report of an object raises its version, and not its generation.
    const versions = () =>
      (JSON.parse(kubectl('apply', '-k', 'config/', '-o', 'json')) as { items: KubeObject[] }).items.map(
        ({ kind, metadata }) => `${kind} ${metadata.name} ${metadata['generation'] ?? metadata['resourceVersion']}`,
      )
    const first = versions()
    expect(first.length).toBeGreaterThan(10)
    expect(versions()).toEqual(first)
    const api = apiOf(theCluster().access)
    for (const { plural } of kinds) {
      await until(`${plural} are served`, async () => (await api.get(`/apis/${apiVersion}/${plural}`)).status === 200)
    }
    const deployment = accepted(await api.get(`/apis/apps/v1/namespaces/${namespace}/deployments/relayfleet`))
    expect(deployment['spec']).toMatchObject({ replicas: 2 })
  })

  test('gives the relays the image that is set in a kustomization', () => {
    const digest = `sha256:${'b'.repeat(64)}`
    for (const part of ['config', 'crds']) cpSync(join(root, part), join(folder, part), { recursive: true })
    const images = [{ name: 'relayfleet.dev/relayfleet', newName: 'registry.example/relayfleet', digest }]
    appendFileSync(join(folder, 'config/kustomization.yaml'), stringify({ images }))
    const list = JSON.parse(kubectl('apply', '-k', join(folder, 'config'), '--dry-run=client', '-o', 'json')) as {
      items: KubeObject[]
    }
    const deployment = list.items.find(({ kind }) => kind === 'Deployment')
    const image = `registry.example/relayfleet@${digest}`
    expect(deployment).toMatchObject({
      spec: { template: { spec: { containers: [{ image, args: expect.arrayContaining([`--image=${image}`]) }] } } },
    })
  })
})
