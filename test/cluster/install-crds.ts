/** Installs our kinds in a cluster, from the files that ship. */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { apiVersion, kinds } from '../../crds/kinds.ts'
import { fileOf } from '../../crds/print.ts'
import type { Kind } from '../../crds/schema.ts'
import { until } from '../local/until.ts'
import { type Api, accepted, type KubeObject } from './api.ts'

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

export type Condition = {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
}

export const crdPath = (kind: Kind): string => `${crds}/${kind.plural}.relayfleet.dev`

/** The path of a kind's objects in one namespace. */
export const objectsPath = (kind: Kind, namespace: string): string =>
  `/apis/${apiVersion}/namespaces/${namespace}/${kind.plural}`

export const conditionsOf = (object: KubeObject): readonly Condition[] =>
  (object['status'] as { conditions?: readonly Condition[] } | undefined)?.conditions ?? []

async function install(api: Api, kind: Kind): Promise<void> {
  // kubectl and helm read YAML 1.1.
  const crd = parse(readFileSync(fileOf(kind), 'utf8'), { version: '1.1' }) as unknown
  accepted(await api.patch(`${crdPath(kind)}?fieldManager=relayfleet-test&force=true`, crd, 'apply'))
  await until(`${kind.plural} are served`, async () => (await api.get(objectsPath(kind, 'default'))).status === 200)
}

/** Every suite that needs them may call this, even at the same time. */
export const installCrds = async (api: Api): Promise<void> => {
  await Promise.all(kinds.map((kind) => install(api, kind)))
}
