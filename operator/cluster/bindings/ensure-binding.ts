/** One binding Secret is made as it is owed, or set right; what is somebody else's is left as it is. */
import { bindingKeysOf, newPassword } from '../../binding-secret.ts'
import type { BindingKeys } from '../../compile/snapshot.ts'
import { told } from '../api/api.ts'
import { ApiError, isConflict } from '../api/api-error.ts'
import type { KubeObject } from '../api/object.ts'
import { resources } from '../api/resource.ts'
import { applyNew, applyObject, type Writing } from '../write/apply.ts'
import { look } from '../write/look.ts'
import type { Owner } from '../write/ownership.ts'
import { prune } from '../write/prune.ts'
import { bindingObject, confidences, type Owed } from './binding-object.ts'
import { type BindingState, bindingStateOf } from './binding-state.ts'

export type Ensured =
  | { readonly is: 'ours'; readonly keys: BindingKeys; readonly wasDamaged: boolean }
  | { readonly is: 'foreign' }
  | { readonly is: 'leaving' }
  /** Other programs claim fields of it; the keys are what it holds all the same. */
  | {
      readonly is: 'contested'
      readonly keys: BindingKeys | undefined
      readonly managers: readonly string[]
      readonly fields: readonly string[]
    }

/**
 * `expectNone`: nothing is known that may be there, so that looking first would be one call too many.
 * @throws ApiError for trouble that passes, and for what the API server refuses; no message quotes a password
 * @throws Deposed
 */
export async function ensureBinding(owed: Owed, expectNone: boolean, writing: Writing): Promise<Ensured> {
  const made = expectNone ? await make(owed, writing) : undefined
  if (made !== undefined) return made
  const state = await stateNow(owed, writing)
  switch (state.is) {
    case 'foreign':
    case 'leaving':
      return { is: state.is }
    case 'absent':
      return (await make(owed, writing)) ?? { is: 'leaving' }
    case 'whole':
      return { is: 'ours', keys: keysOf(owed, state.password), wasDamaged: false }
    case 'outdated':
    case 'damaged':
      return setRight(owed, state, writing)
  }
}

/** The keys of a Secret that it had under another name; undefined where there is none any more. */
export async function keysUnder(secretName: string, owed: Owed, writing: Writing): Promise<BindingKeys | undefined> {
  const state = await stateNow({ ...owed, binding: { ...owed.binding, secretName } }, writing)
  return 'password' in state && state.password !== undefined ? keysOf(owed, state.password) : undefined
}

/** The Secret goes if it is this credential's; another's of that name stays. */
export async function removeBinding(name: string, owner: Owner, writing: Writing): Promise<void> {
  const seen = await look(writing.api, resources.secrets, { namespace: owner.namespace, name }, writing.signal)
  if (seen.is === 'there') await prune([seen.object], [], owner, writing)
}

async function stateNow(owed: Owed, { api, signal }: Writing): Promise<BindingState> {
  const at = { namespace: owed.owner.namespace, name: owed.binding.secretName }
  return bindingStateOf(await look(api, resources.secrets, at, signal), owed)
}

const keysOf = ({ binding }: Owed, password: string): BindingKeys => bindingKeysOf(binding.username, password)

/** Undefined where there is one by now: it is left untouched, and its password stays. */
async function make(owed: Owed, writing: Writing): Promise<Ensured | undefined> {
  const password = newPassword()
  const object = bindingObject(owed, password)
  try {
    await discreetly(object, () => applyNew(object, owed.owner, writing))
    return { is: 'ours', keys: keysOf(owed, password), wasDamaged: false }
  } catch (error) {
    if (isConflict(error)) return undefined
    throw error
  }
}

async function setRight(
  owed: Owed,
  state: Extract<BindingState, { is: 'outdated' | 'damaged' }>,
  writing: Writing,
): Promise<Ensured> {
  const password = state.password ?? newPassword()
  const object = bindingObject(owed, password)
  const observed = state.object
  const applied = await discreetly(object, () =>
    applyObject(object, observed, owed.owner, writing, { onlyObserved: true }),
  )
  switch (applied.kind) {
    case 'unchanged':
    case 'applied':
      return { is: 'ours', keys: keysOf(owed, password), wasDamaged: state.is === 'damaged' }
    case 'foreign':
    case 'leaving':
      return { is: applied.kind }
    case 'contested': {
      const { managers, fields } = applied
      const keys = state.password === undefined ? undefined : keysOf(owed, state.password)
      return { is: 'contested', keys, managers, fields }
    }
  }
}

/** Whoever refuses an object may quote it: webhooks are written by anybody. */
async function discreetly<T>(object: KubeObject, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof ApiError) || !confidences(object).some((c) => error.message.includes(c))) throw error
    const { trouble, code } = error
    throw new ApiError(trouble, `${told(object)}: ${code}, with a message that quotes its password`, { code })
  }
}
