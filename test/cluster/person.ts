/** A person with certain rights, and a kubeconfig to use them. */
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../local/temporary.ts'
import { onTestFinished } from '../own-test.ts'
import { type Access, kubeconfig } from './access.ts'
import type { Api } from './api.ts'
import { grant, type Rule } from './grant.ts'

/** The right to read objects of our kinds, which every role that may read has. */
export const readsOurKinds: Rule = {
  apiGroups: ['relayfleet.dev'],
  resources: ['relaypolicies', 'senderdomains', 'relaycredentials'],
  verbs: ['get', 'list'],
}

export const readsNamespaces: Rule = { apiGroups: [''], resources: ['namespaces'], verbs: ['get', 'list'] }

/** Grants the rights in each namespace (`*` is all), and nothing else; the path of the person's kubeconfig. */
export async function person(
  access: Access,
  api: Api,
  rights: Readonly<Record<string, readonly Rule[]>>,
): Promise<string> {
  const name = `person-${randomUUID().slice(0, 8)}`
  for (const [namespace, rules] of Object.entries(rights)) {
    const made = await grant(api, { user: name, namespace }, rules)
    onTestFinished(async () => {
      for (const path of made) await api.remove(path)
    })
  }
  return kubeconfigFile(access, { user: name })
}

type Chosen = { readonly user?: string; readonly namespace?: string }

/** The path of a kubeconfig; with `user`, the administrator impersonates that user (`as`). */
export function kubeconfigFile(access: Access, { user, namespace }: Chosen = {}): string {
  const config = JSON.parse(kubeconfig(access)) as { users: { user: object }[]; contexts: { context: object }[] }
  const [first] = config.users
  if (user !== undefined && first !== undefined) first.user = { ...first.user, as: user }
  const [context] = config.contexts
  if (namespace !== undefined && context !== undefined) context.context = { ...context.context, namespace }
  const file = join(temporaryFolder(), 'kubeconfig')
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 })
  return file
}
