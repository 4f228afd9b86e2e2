/** Objects of other people beside ours, which the operator must not touch. */
import { type Api, accepted, type KubeObject } from '../api.ts'

const places = ['/api/v1/namespaces/%/secrets', '/api/v1/namespaces/%/services', '/api/v1/namespaces/%/configmaps']
const bodies: readonly object[] = [
  { data: { password: 'dGhlaXJz' } },
  { spec: { clusterIP: 'None', selector: { app: 'theirs' } } },
  { data: { a: 'b' } },
]

const pathOf = (place: string, namespace: string): string => place.replace('%', namespace)

export async function makeBystanders(admin: Api, namespace: string): Promise<void> {
  for (const [i, place] of places.entries()) {
    accepted(await admin.create(pathOf(place, namespace), { metadata: { name: 'theirs' }, ...bodies[i] }))
  }
}

/** The uid and the resource version of each, which tell whether it was replaced or changed. */
export const bystanders = (admin: Api, namespace: string): Promise<readonly unknown[]> =>
  Promise.all(
    places.map(async (place) => {
      const { metadata }: KubeObject = accepted(await admin.get(`${pathOf(place, namespace)}/theirs`))
      return [metadata['uid'], metadata['resourceVersion']]
    }),
  )
