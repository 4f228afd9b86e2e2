/** A real API server takes every object of a fleet, field by field, and Pod Security its pods (case K38). */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { pathOf, resourceOf } from '../../operator/cluster/api/resource.ts'
import { configSecrets } from '../../operator/manifests/config-secrets.ts'
import type { Manifest } from '../../operator/manifests/manifest.ts'
import { manifestsOf } from '../../operator/manifests/manifests.ts'
import type { RelayFleet } from '../../operator/manifests/relay-fleet.ts'
import { relayPod } from '../../operator/manifests/relay-pod.ts'
import { readFleet } from '../manifests/fleet-of.ts'
import { type Answer, type Api, accepted, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { newNamespace } from './namespace.ts'

const folder = join(import.meta.dirname, '../manifests')
const cases = readdirSync(folder, { withFileTypes: true }).filter((e) => e.isDirectory())
const fleetIn = (name: string, namespace: string): RelayFleet => {
  const { fleet } = readFleet(join(folder, name))
  return { ...fleet, name: `${namespace}/${fleet.name.split('/')[1]}` as const }
}

describe.runIf(givenCluster() !== undefined)('a real API server', () => {
  let api: Api
  let namespace = ''
  beforeAll(async () => {
    api = apiOf(theCluster().access)
    namespace = await newNamespace(theCluster(), api)
    const enforce = { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } }
    accepted(await api.patch(`/api/v1/namespaces/${namespace}`, enforce))
  })

  const dryRun = (object: Manifest): Promise<Answer> => {
    const query = 'dryRun=All&fieldValidation=Strict&fieldManager=relayfleet'
    return api.patch(`${pathOf(resourceOf(object), object.metadata)}?${query}`, object, 'apply')
  }

  test.each(cases.map((c) => c.name))('takes the objects of %s', async (name) => {
    const fleet = fleetIn(name, namespace)
    // The cluster does not know the kind ServiceMonitor.
    const objects = manifestsOf(fleet).filter(({ kind }) => kind !== 'ServiceMonitor')
    for (const object of [...objects, ...configSecrets(fleet.name, fleet.compiled.config)]) {
      const applied = accepted(await dryRun(object))
      expect(applied, object.kind).toMatchObject(JSON.parse(JSON.stringify(object)))
    }
  })

  test('takes the pods where Pod Security is enforced as restricted', async () => {
    const { metadata, spec } = relayPod(fleetIn('production', namespace))
    const volume = { name: 'data', emptyDir: {} }
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, name: 'shared-0' },
      spec: { ...spec, volumes: [...(spec?.volumes ?? []), volume] },
    }
    const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All&fieldValidation=Strict`
    accepted(await api.create(path, pod))
    const root = { ...pod, spec: { ...pod.spec, securityContext: {} } }
    expect((await api.create(path, root)).status, 'a pod that may run as root is refused').toBe(403)
  })
})
