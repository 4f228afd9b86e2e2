/** Whether a new key may be handed out: the status records it, and every relay that takes mail accepts it. */
import type { Name } from '../../compile/snapshot.ts'
import { tells } from '../../key-told.ts'
import type { World } from '../watch/world.ts'

export type Reach = (fleet: Name, credential: Name, key: string) => boolean

/** Where no relay takes mail, none can refuse the key; and one that starts later loads the configuration that has it. */
export const reachIn =
  (world: Pick<World, 'declaredAs' | 'pods' | 'knowsPods'>): Reach =>
  (fleet, credential, key) => {
    const told = tells(world.declaredAs(`RelayCredential ${credential}`)?.status ?? {}, key)
    if (told !== 'notProgrammed') return told === 'programmed'
    return world.knowsPods(fleet) && !world.pods(fleet).some(({ ready, leaving }) => ready && !leaving)
  }
