/** A cluster that the tester provides: it is left as it was found. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../local/until.ts'
import { kubeconfig, readAccess } from './access.ts'
import { type Api, accepted, apiOf } from './api.ts'
import type { Choice, Tier } from './choose.ts'
import type { Cluster, Hold } from './held.ts'
import { runLabel } from './namespace.ts'

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

type List = { readonly items: readonly { readonly metadata: { readonly name: string } }[] }

const namesAt = async (api: Api, path: string): Promise<readonly string[]> =>
  (accepted(await api.get(path)) as unknown as List).items.map(({ metadata }) => metadata.name)

const ourCrds = async (api: Api): Promise<readonly string[]> =>
  (await namesAt(api, crds)).filter((name) => name.endsWith('.relayfleet.dev'))

/** Deletes these and waits, since the contents of a namespace, and the objects of a CRD, have to go first. */
async function removeAll(api: Api, paths: readonly string[]): Promise<void> {
  for (const path of paths) await api.remove(path)
  for (const path of paths) await until(`${path} is gone`, async () => (await api.get(path)).status === 404, 60_000)
}

/** Removes the finalizers of policies: without an operator that does, their namespace would wait for ever. */
async function letPoliciesGo(api: Api, namespace: string): Promise<void> {
  const policies = `/apis/relayfleet.dev/v1alpha1/namespaces/${namespace}/relaypolicies`
  const answer = await api.get(policies)
  if (answer.status === 404) return
  for (const { metadata } of (accepted(answer) as unknown as List).items) {
    await api.patch(`${policies}/${metadata.name}`, { metadata: { finalizers: null } })
  }
}

export async function openGiven(given: Extract<Choice, { kind: 'given' }>, tier: Tier, hold: Hold): Promise<Cluster> {
  const access = await readAccess(given.kubectl, given.kubeconfig)
  const api = apiOf(access)
  const before = await ourCrds(api)
  hold.atClose(async () => {
    const made = (await ourCrds(api)).filter((name) => !before.includes(name))
    const namespaces = await namesAt(api, `/api/v1/namespaces?labelSelector=${runLabel}%3D${hold.run}`)
    for (const name of namespaces) await letPoliciesGo(api, name)
    await removeAll(
      api,
      namespaces.map((name) => `/api/v1/namespaces/${name}`),
    )
    await removeAll(
      api,
      made.map((name) => `${crds}/${name}`),
    )
  })
  const file = join(hold.folder, 'admin.kubeconfig')
  writeFileSync(file, kubeconfig(access), { mode: 0o600 })
  const loader = given.loader === undefined ? {} : { imageLoader: given.loader.split(' ') }
  return { tier, run: hold.run, kubeconfig: file, kubectl: given.kubectl, access, controllers: true, ...loader }
}
