/** What follows from how a binding Secret was found or made: the keys that open, what stands in the way, what to tell. Pure. */
import { isDeepStrictEqual } from 'node:util'
import type { Condition } from '../../compile/compiled.ts'
import type { BindingKeys } from '../../compile/snapshot.ts'
import type { Occasion } from '../events/event-series.ts'
import { bindingTroubles, secretRepaired } from './binding-news.ts'
import type { Owed } from './binding-object.ts'
import type { Ensured } from './ensure-binding.ts'

export type Conclusion = {
  readonly keys: BindingKeys
  readonly trouble?: Condition
  readonly occasion?: Occasion
}

/** What was known before. */
export type Before = {
  readonly keys: BindingKeys | undefined
  /** The Secret has another name from now on. */
  readonly isRenamed: boolean
  /** What the Secret of the former name holds, where that is still there. */
  readonly formerKeys?: BindingKeys | undefined
}

export function conclusionOf(ensured: Exclude<Ensured, { is: 'leaving' }>, owed: Owed, before: Before): Conclusion {
  // Nobody logs in by a key whose Secret is not there.
  const none: BindingKeys = { username: owed.binding.username, keys: [] }
  switch (ensured.is) {
    case 'foreign':
      // Who asks for a name that is not to be had keeps what he has.
      return { keys: before.formerKeys ?? none, trouble: bindingTroubles.notOwned(owed) }
    case 'contested':
      return {
        keys: ensured.keys ?? none,
        trouble: bindingTroubles.contested(owed, ensured.managers, ensured.fields),
      }
    case 'ours': {
      const { keys, wasDamaged } = ensured
      const isNewLogin = before.keys !== undefined && !isDeepStrictEqual(before.keys.keys, keys.keys)
      const isLost = isNewLogin && before.keys.keys.length > 0 && !before.isRenamed
      return { keys, ...((wasDamaged || isLost) && { occasion: secretRepaired(owed, isNewLogin ? 'new' : 'kept') }) }
    }
  }
}
