/** Makes one binding Secret as it is owed, or sets it right; what is somebody else's is left as it is. */
import { keyOf, newPassword } from '../../binding-secret.ts'
import type { InSecret } from '../../lifecycle/rotate.ts'
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
  | { readonly is: 'ours'; readonly secret: InSecret; readonly wasDamaged: boolean }
  | { readonly is: 'foreign' }
  | { readonly is: 'leaving' }
  /** Other programs claim fields of it, so it was not written; the key that it holds counts all the same. */
  | {
      readonly is: 'contested'
      readonly secret: InSecret | undefined
      readonly managers: readonly string[]
      readonly fields: readonly string[]
    }

export type Wanted = {
  /** The password that it is to hold from now on; absent: the one that it holds, or where it holds none, a new one. */
  readonly password?: string | undefined
  /** The password under its former name, which relays accept: it is to hold that where it holds none. */
  readonly former?: string | undefined
  /** The id of the key that is lost where it holds none. */
  readonly replaces?: string | undefined
}

/**
 * `expectNone`: nothing suggests that there is one, so it is created without a look, which saves a call.
 * @throws ApiError for trouble that passes, and for what the API server refuses; no message quotes a password
 * @throws Deposed
 */
export async function ensureBinding(
  owed: Owed,
  wanted: Wanted,
  expectNone: boolean,
  writing: Writing,
): Promise<Ensured> {
  const made = expectNone ? await make(owed, wanted, writing) : undefined
  if (made !== undefined) return made
  const state = await stateNow(owed, writing)
  switch (state.is) {
    case 'foreign':
    case 'leaving':
      return { is: state.is }
    case 'absent':
      return (await make(owed, wanted, writing)) ?? { is: 'leaving' }
    case 'whole':
      return wanted.password === undefined || wanted.password === state.password
        ? { is: 'ours', secret: inSecret(state.password, state.replaces), wasDamaged: false }
        : setRight(owed, wanted, state, writing)
    case 'outdated':
    case 'damaged':
      return setRight(owed, wanted, state, writing)
  }
}

/** What the Secret holds that the credential had under another name; undefined where there is none any more. */
export async function heldUnder(
  secretName: string,
  owed: Owed,
  writing: Writing,
): Promise<{ readonly secret: InSecret; readonly password: string } | undefined> {
  const state = await stateNow({ ...owed, binding: { ...owed.binding, secretName } }, writing)
  if (!('password' in state) || state.password === undefined) return undefined
  return { secret: inSecret(state.password, state.replaces), password: state.password }
}

/** Removes the Secret of that name where it is this credential's. */
export async function removeBinding(name: string, owner: Owner, writing: Writing): Promise<void> {
  const seen = await look(writing.api, resources.secrets, { namespace: owner.namespace, name }, writing.signal)
  if (seen.is === 'there') await prune([seen.object], [], owner, writing)
}

async function stateNow(owed: Owed, { api, signal }: Writing): Promise<BindingState> {
  const at = { namespace: owed.owner.namespace, name: owed.binding.secretName }
  return bindingStateOf(await look(api, resources.secrets, at, signal), owed)
}

const inSecret = (password: string, replaces: string | undefined): InSecret => ({
  ...keyOf(password),
  ...(replaces !== undefined && { replaces }),
})

/** Creates it. Undefined where there is one by now, which is left untouched, and so keeps its password. */
async function make(owed: Owed, wanted: Wanted, writing: Writing): Promise<Ensured | undefined> {
  const { password, replaces } = filled(wanted, {})
  const object = bindingObject(owed, password, replaces)
  try {
    await discreetly(object, () => applyNew(object, owed.owner, writing))
    return { is: 'ours', secret: inSecret(password, replaces), wasDamaged: false }
  } catch (error) {
    if (isConflict(error)) return undefined
    throw error
  }
}

type Held = Extract<BindingState, { is: 'whole' | 'outdated' | 'damaged' }>

/** The password that it is to hold: the wanted one, else the one that it holds or held under its former name, else a new one. */
function filled(
  wanted: Wanted,
  held: Pick<Held, 'password' | 'replaces'>,
): Pick<Wanted, 'replaces'> & { password: string } {
  if (wanted.password !== undefined) return { password: wanted.password }
  if (held.password !== undefined) return { password: held.password, replaces: held.replaces }
  if (wanted.former !== undefined) return { password: wanted.former }
  return { password: newPassword(), replaces: wanted.replaces }
}

async function setRight(owed: Owed, wanted: Wanted, state: Held, writing: Writing): Promise<Ensured> {
  const { password, replaces } = filled(wanted, state)
  const object = bindingObject(owed, password, replaces)
  const observed = state.object
  const applied = await discreetly(object, () =>
    applyObject(object, observed, owed.owner, writing, { onlyObserved: true }),
  )
  switch (applied.kind) {
    case 'unchanged':
    case 'applied':
      return { is: 'ours', secret: inSecret(password, replaces), wasDamaged: state.is === 'damaged' }
    case 'foreign':
    case 'leaving':
      return { is: applied.kind }
    case 'contested': {
      const { managers, fields } = applied
      const secret = state.password === undefined ? undefined : inSecret(state.password, state.replaces)
      return { is: 'contested', secret, managers, fields }
    }
  }
}

/** A webhook that refuses an object may quote it, and the password with it: such a message is not passed on. */
async function discreetly<T>(object: KubeObject, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof ApiError) || !confidences(object).some((c) => error.message.includes(c))) throw error
    const { trouble, code } = error
    throw new ApiError(trouble, `${told(object)}: ${code}, with a message that quotes its password`, { code })
  }
}
