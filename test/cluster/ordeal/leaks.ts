/** Finds secrets where they must not be: in what operators told, in Events, in statuses, and in objects that are no Secrets. */
import type { Telling } from '../../../operator/cluster/telling.ts'
import { type Api, accepted } from '../api.ts'
import type { Chronicle } from './chronicle.ts'
import { ownedIn } from './owned.ts'
import { declaredIn } from './quiet.ts'

const secret = /^(password|tls\.key|.*\.pem)$/

function secretsIn({ versions }: Chronicle): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const [key, all] of versions) {
    if (!key.startsWith('Secret ')) continue
    for (const { object } of all) {
      for (const [name, value] of Object.entries((object?.['data'] ?? {}) as Readonly<Record<string, string>>)) {
        const plain = Buffer.from(value, 'base64').toString()
        if (secret.test(name) && plain.length > 8) found.set(value, `${name} of ${key}`).set(plain, `${name} of ${key}`)
      }
    }
  }
  return found
}

export async function leaks(
  admin: Api,
  namespaces: readonly string[],
  chronicle: Chronicle,
  told: readonly Telling[],
): Promise<readonly string[]> {
  const events = namespaces.map(async (namespace) =>
    accepted(await admin.get(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`)),
  )
  const owned = await ownedIn(admin, namespaces)
  const places = {
    'what was told': told,
    Events: await Promise.all(events),
    'declared objects': await declaredIn(admin, namespaces),
    'owned objects': owned.filter(({ resource }) => resource.kind !== 'Secret').map(({ object }) => object),
  }
  const secrets = secretsIn(chronicle)
  return Object.entries(places).flatMap(([where, what]) => {
    const text = JSON.stringify(what)
    return [...secrets].flatMap(([value, whose]) =>
      text.includes(JSON.stringify(value).slice(1, -1)) ? [`${whose} is in ${where}`] : [],
    )
  })
}
