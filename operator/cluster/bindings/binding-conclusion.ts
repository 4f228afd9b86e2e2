/** What follows from how a binding Secret was found or made: the keys that open, what stands in the way, what to tell. Pure. */
import type { Condition } from '../../compile/compiled.ts'
import type { BindingKeys } from '../../compile/snapshot.ts'
import { type InSecret, type KeyFacts, type KeyStep, nextKeys } from '../../lifecycle/rotate.ts'
import type { Occasion } from '../events/event-series.ts'
import { bindingTroubles, keyHandedOut, keyRetired, secretRepaired } from './binding-news.ts'
import type { Owed } from './binding-object.ts'
import type { Ensured } from './ensure-binding.ts'

export type Conclusion = {
  readonly keys: BindingKeys
  /** What is to be done next about them. */
  readonly act: KeyStep['act']
  /** When to look again. */
  readonly at: number
  readonly trouble?: Condition
  readonly occasions: readonly Occasion[]
}

/** What was known before. */
export type Before = {
  readonly keys: BindingKeys | undefined
  /** The Secret has another name from now on. */
  readonly isRenamed: boolean
  /** What the Secret of the former name holds, where that is still there. */
  readonly formerSecret?: InSecret | undefined
  /** What the keys go by, beside what was recorded and what the Secret holds. */
  readonly facts: Omit<KeyFacts, 'keys' | 'secret'>
}

export function conclusionOf(ensured: Exclude<Ensured, { is: 'leaving' }>, owed: Owed, before: Before): Conclusion {
  switch (ensured.is) {
    case 'foreign':
      // Who asks for a name that is not to be had keeps what he has.
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

/** Nobody logs in by a key whose Secret is not there; and nothing is replaced while the Secret can not be written. */
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
