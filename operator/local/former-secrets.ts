/** The binding Secrets of credentials that ask for another name now, found by the username in them. */
import { type Name, namespaceOf } from '../compile/snapshot.ts'
import { usernameOf } from '../compile/wish.ts'
import { usernameIn } from './binding-secret.ts'
import { foldersIn, type State } from './state.ts'

/** By credential. `asked`: the credentials with keys, and the name that each asks for. @throws Unread */
export function formerSecretsIn(state: State, asked: Iterable<readonly [Name, string]>): ReadonlyMap<Name, string> {
  const found = new Map<Name, string>()
  // Made only for a namespace in which a Secret has another name: with many credentials this reads many files.
  const folders = new Map<string, ReadonlyMap<string | undefined, string>>()
  for (const [name, secretName] of asked) {
    const namespace = namespaceOf(name)
    const username = usernameOf(name)
    const usernameAt = (folder: string) => usernameIn(state.secret(namespace, folder))
    if (usernameAt(secretName) === username) continue
    const its = folders.get(namespace) ?? new Map(foldersIn(state.secrets(namespace)).map((f) => [usernameAt(f), f]))
    folders.set(namespace, its)
    const former = its.get(username)
    if (former !== undefined) found.set(name, former)
  }
  return found
}
