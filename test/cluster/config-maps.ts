/** The plainest objects there are, for tests of what happens around objects. */
import type { Api as TestApi } from './api.ts'
import { accepted } from './api.ts'

/** Every namespace has a ConfigMap of the cluster's own, too. */
export const ours = 'relayfleet.dev/test=yes'

/** ConfigMaps of one namespace, written past whatever is being tested. */
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
    /** By name, the value of each. */
    all: async (): Promise<ReadonlyMap<string, string>> => {
      const { items } = accepted(await api.get(`${path}?labelSelector=${encodeURIComponent(ours)}`)) as unknown as {
        items: { metadata: { name: string }; data?: { value?: string } }[]
      }
      return new Map(items.map((i) => [i.metadata.name, i.data?.value ?? '']).toSorted() as [string, string][])
    },
  }
}
