/** A cluster that somebody gave us for tests: it is left as it was found. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
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

export async function openGiven(given: Extract<Choice, { kind: 'given' }>, tier: Tier, hold: Hold): Promise<Cluster> {
  const access = await readAccess(given.kubectl, given.kubeconfig)
  const api = apiOf(access)
  const before = await ourCrds(api)
  hold.atClose(async () => {
    const namespaces = await namesAt(api, `/api/v1/namespaces?labelSelector=${runLabel}%3D${hold.run}`)
    for (const name of namespaces) await api.remove(`/api/v1/namespaces/${name}`)
    for (const name of await ourCrds(api)) if (!before.includes(name)) await api.remove(`${crds}/${name}`)
  })
  const file = join(hold.folder, 'admin.kubeconfig')
  writeFileSync(file, kubeconfig(access), { mode: 0o600 })
  const loader = given.loader === undefined ? {} : { imageLoader: given.loader.split(' ') }
  return { tier, run: hold.run, kubeconfig: file, kubectl: given.kubectl, access, controllers: true, ...loader }
}
