/** The keys of a credential in local mode: recorded in a file, while the password of the newest is in the binding Secret. */
import { isDeepStrictEqual } from 'node:util'
import type { CredentialConfig } from '../../relay/config.ts'
import { keyOf, newPassword } from '../binding-secret.ts'
import type { Binding } from '../compile/compiled.ts'
import { type BindingKeys, type Name, namespaceOf } from '../compile/snapshot.ts'
import { usernameOf } from '../compile/wish.ts'
import { activeOf, type Heard, type Key, stamped } from '../lifecycle/keys.ts'
import { type KeyFacts, nextKeys, withPending } from '../lifecycle/rotate.ts'
import { passwordIn, readBindingKeys, usernameIn, writeBindingSecret } from './binding-secret.ts'
import { keptText, replaceFile } from './files.ts'
import type { State } from './state.ts'

/** A key whose password is in no Secret yet, and only in memory. */
export type Made = { readonly id: string; readonly password: string }

export type Keeping = {
  readonly made: Made | undefined
  /** The password in the Secret that it had under another name. */
  readonly former?: string | undefined
  /** Whether the relay accepts the key `made`. */
  readonly isReached: boolean
  readonly heard: Heard
  readonly authority: string
  readonly now: number
}

export type Kept = {
  /** Whether the recorded keys have changed, so that the relay has to learn of it. */
  readonly isNew: boolean
  readonly made: Made | undefined
  /** When to look again, in milliseconds since the epoch. */
  readonly at: number
}

/**
 * The recorded keys; without a record, the one in the Secret, unless that is another credential's. If the record can not be read,
 * the keys that the relay has (`running`).
 */
export function readKeys(
  state: State,
  name: Name,
  secretName: string,
  running: CredentialConfig | undefined,
): BindingKeys | undefined {
  const found = readBindingKeys(state.secret(namespaceOf(name), secretName))
  const own = found?.username === usernameOf(name) ? found : undefined
  try {
    return recordOf(keptText(state.keysFile(name))) ?? own
  } catch {
    return running === undefined ? own : keysHad(running)
  }
}

/** The keys in a relay's configuration, as far as that tells. `keepKeys` reports why the record can not be read. */
const keysHad = ({ username, keys }: CredentialConfig): BindingKeys => ({
  username,
  keys: keys.map(({ id, verifier, notAfter }) => ({
    ...{ id, verifier },
    ...(notAfter !== undefined && { state: 'Retiring', expiresAt: new Date(notAfter).toISOString() }),
  })),
})

/**
 * Takes the next step of a rotation. The record is written first, so that no Secret ever holds a password that the relay may
 * never learn of.
 * @throws Error where the record or the password exists but can not be read: then nothing is made in its place.
 */
export function keepKeys(state: State, name: Name, binding: Binding, keeping: Keeping): Kept {
  const folder = state.secret(namespaceOf(name), binding.secretName)
  const before = recordOf(keptText(state.keysFile(name)))
  const { made, former, isReached, now } = keeping
  const active = activeOf(stamped(before?.keys ?? [], now))
  const held = isReached ? made?.password : (former ?? ownPassword(folder, binding, before))
  const password = held ?? newPassword()
  const replaces = held === undefined ? active?.id : undefined
  const facts: KeyFacts = {
    ...keeping,
    keys: before?.keys ?? [],
    rotation: binding.rotation,
    secret: { ...keyOf(password), ...(replaces !== undefined && { replaces }) },
    atHand: made?.id,
  }
  const { keys, next, at } = stepped(facts, made)
  const record: BindingKeys = { username: binding.username, keys }
  replaceFile(state.keysFile(name), `${JSON.stringify(record, null, 1)}\n`)
  writeBindingSecret(folder, binding, password, keeping.authority)
  return { isNew: !isDeepStrictEqual(before, record), made: next, at }
}

/** Without a record the Secret may have been another credential's, whose applications know its password. */
function ownPassword(folder: string, { username }: Binding, record: BindingKeys | undefined): string | undefined {
  const password = passwordIn(folder)
  return record !== undefined || usernameIn(folder) === username ? password : undefined
}

function stepped(facts: KeyFacts, made: Made | undefined) {
  const { keys, act, at } = nextKeys(facts)
  if (act !== 'make')
    return { keys, next: keys.some((k) => k.id === made?.id && k.state === 'Pending') ? made : undefined, at }
  const password = newPassword()
  const { id, verifier } = keyOf(password)
  return { keys: withPending(keys, { id, verifier }, facts.rotation, facts.now), next: { id, password }, at: facts.now }
}

function recordOf(text = ''): BindingKeys | undefined {
  try {
    const { username, keys } = JSON.parse(text) as Partial<BindingKeys>
    const isWhole = typeof username === 'string' && Array.isArray(keys) && keys.every(isKey)
    return isWhole ? { username, keys } : undefined
  } catch {
    return undefined
  }
}

const isKey = ({ id, verifier }: Partial<Key>): boolean => typeof id === 'string' && typeof verifier === 'string'
