/** ConfigMaps, the plainest objects there are, for tests whose subject is not the object itself. */
import type { Api as TestApi } from './api.ts'
import { accepted } from './api.ts'

/** The label of the ConfigMaps that are made here, since every namespace has one of the cluster's own as well. */
export const ours = 'relayfleet.dev/test=yes'

/** Reads and writes ConfigMaps of one namespace directly, past what is being tested. */
export const configMaps = (api: TestApi, namespace: string) => {
  const path = `/api/v1/namespaces/${namespace}/configmaps`
  const object = (name: string, value: string, more = {}) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, labels: { 'relayfleet.dev/test': 'yes' }, ...more },
    data: { value },
  })
  return {
    create: async (name: string, value: string, more = {}) =>
      accepted(await api.create(path, object(name, value, more))),
    change: async (name: string, value: string) => accepted(await api.patch(`${path}/${name}`, { data: { value } })),
    remove: async (name: string) => accepted(await api.remove(`${path}/${name}`)),
    get: async (name: string) => (await api.get(`${path}/${name}`)).body as { data?: { value?: string } },
    /** The value of each ConfigMap, by its name. */
    all: async (): Promise<ReadonlyMap<string, string>> => {
      const { items } = accepted(await api.get(`${path}?labelSelector=${encodeURIComponent(ours)}`)) as unknown as {
        items: { metadata: { name: string }; data?: { value?: string } }[]
      }
      return new Map(items.map((i) => [i.metadata.name, i.data?.value ?? '']).toSorted() as [string, string][])
    },
  }
}
