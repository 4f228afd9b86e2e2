/**
 * What follows from how a binding Secret was found or made: the keys that relays accept, what stands in the way, which Events
 * to tell. Pure.
 */
import type { Condition } from '../../compile/compiled.ts'
import type { BindingKeys } from '../../compile/snapshot.ts'
import { type InSecret, type KeyFacts, type KeyStep, nextKeys } from '../../lifecycle/rotate.ts'
import type { Occasion } from '../events/event-series.ts'
import { bindingTroubles, keyHandedOut, keyRetired, secretRepaired } from './binding-news.ts'
import type { Owed } from './binding-object.ts'
import type { Ensured } from './ensure-binding.ts'

export type Conclusion = {
  readonly keys: BindingKeys
  /** What is to be done about the keys next. */
  readonly act: KeyStep['act']
  /** When to look at the keys again; milliseconds since the epoch. */
  readonly at: number
  readonly trouble?: Condition
  readonly occasions: readonly Occasion[]
}

/** What was known before. */
export type Before = {
  readonly keys: BindingKeys | undefined
  /** The Secret has another name from now on. */
  readonly isRenamed: boolean
  /** The key in the Secret of the former name, where that is still there. */
  readonly formerSecret?: InSecret | undefined
  /** What the keys depend on, beside those that were recorded and the one in the Secret. */
  readonly facts: Omit<KeyFacts, 'keys' | 'secret'>
}

export function conclusionOf(ensured: Exclude<Ensured, { is: 'leaving' }>, owed: Owed, before: Before): Conclusion {
  switch (ensured.is) {
    case 'foreign':
      // The name that is asked for is taken: the credential keeps the Secret that it has.
      return inTrouble(before.formerSecret, bindingTroubles.notOwned(owed), owed, before)
    case 'contested': {
      const { secret, managers, fields } = ensured
      return inTrouble(secret, bindingTroubles.contested(owed, managers, fields), owed, before)
    }
    case 'ours': {
      const { keys, act, at, ...step } = stepOf(ensured.secret, before)
      const told = occasionsOf(ensured.wasDamaged, step, owed, before)
      return { keys: { username: owed.binding.username, keys }, act, at, occasions: told }
    }
  }
}

const stepOf = (secret: InSecret, { keys, facts }: Before): KeyStep =>
  nextKeys({ ...facts, keys: keys?.keys ?? [], secret })

/**
 * While the Secret can not be written no key is replaced, and without a Secret there is none: a key that nobody can read
 * opens nothing.
 */
function inTrouble(secret: InSecret | undefined, trouble: Condition, { binding }: Owed, before: Before): Conclusion {
  const keys = secret === undefined ? [] : stepOf(secret, before).keys
  const at = Number.POSITIVE_INFINITY
  return { keys: { username: binding.username, keys }, act: 'rest', at, trouble, occasions: [] }
}

function occasionsOf(
  wasDamaged: boolean,
  { handedOut, retired }: Pick<KeyStep, 'handedOut' | 'retired'>,
  owed: Owed,
  { keys, isRenamed, facts }: Before,
): readonly Occasion[] {
  const known = keys?.keys ?? []
  const wasPending = known.some(({ id, state }) => id === handedOut?.id && state === 'Pending')
  const isLost = handedOut !== undefined && !wasPending && known.length > 0 && !isRenamed
  return [
    ...(wasDamaged || isLost ? [secretRepaired(owed, isLost ? 'new' : 'kept')] : []),
    ...(handedOut !== undefined && wasPending ? [keyHandedOut(owed, handedOut)] : []),
    ...retired.map((gone) => keyRetired(owed, gone, facts.heard.uses.get(gone.key.id))),
  ]
}
