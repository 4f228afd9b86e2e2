/** The cluster of this run is a real one: it authorises, it admits, and where controllers run they do their work. */
import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { until } from '../local/until.ts'
import { accepted, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { newNamespace } from './namespace.ts'

const account = (name: string) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } })

describe.runIf(givenCluster() !== undefined)('the cluster', () => {
  test('tells its version, and kubectl reaches it by its own file', () => {
    const { kubectl, kubeconfig } = theCluster()
    const out = execFileSync(kubectl, ['--kubeconfig', kubeconfig, 'version', '-o', 'json'], { encoding: 'utf8' })
    expect(JSON.parse(out)).toMatchObject({ serverVersion: { major: '1' } })
  })

  test('refuses a service account what no role allows it', async () => {
    const cluster = theCluster()
    const api = apiOf(cluster.access)
    const namespace = await newNamespace(cluster, api)
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts`
    accepted(await api.create(path, account('nobody')))
    const token = accepted(
      await api.create(`${path}/nobody/token`, {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: {},
      }),
    ) as unknown as { status: { token: string } }
    const nobody = apiOf({ ...cluster.access, login: { kind: 'token', token: token.status.token } })
    expect((await nobody.get(`/api/v1/namespaces/${namespace}/secrets`)).status).toBe(403)
    expect((await apiOf({ ...cluster.access, login: { kind: 'token', token: 'made-up' } }).get('/api')).status).toBe(
      401,
    )
  })

  test('knows the kind ValidatingAdmissionPolicy', async () => {
    expect((await apiOf(theCluster().access).get('/apis/admissionregistration.k8s.io/v1')).body).toMatchObject({
      resources: expect.arrayContaining([expect.objectContaining({ kind: 'ValidatingAdmissionPolicy' })]),
    })
  })

  test('removes an object whose owner is gone, where controllers run', async ({ skip }) => {
    const cluster = theCluster()
    skip(!cluster.controllers, 'no controller manager')
    const api = apiOf(cluster.access)
    const maps = `/api/v1/namespaces/${await newNamespace(cluster, api)}/configmaps`
    const map = (name: string, more = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...more } })
    const { uid } = accepted(await api.create(maps, map('owner'))).metadata
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid }]
    accepted(await api.create(maps, map('owned', { ownerReferences })))
    accepted(await api.remove(`${maps}/owner`))
    await until('the owned object is gone', async () => (await api.get(`${maps}/owned`)).status === 404)
  })
})
