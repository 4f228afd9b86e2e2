/** What happens between the final dot of a message and its reply, while the store of limits is asked and the disk takes it. */
import type { Judge } from '../limits/ledger-model.ts'
import { inTurns } from './in-turns.ts'
import type { Scene } from './rights-scene.ts'
import type { AtTheDot } from './rights-story.ts'

/** Who counts the message, and what the disk says. */
export type Dealt = { readonly by: Judge; readonly failing: readonly string[] }

/** `isAsked`: the store will be. Returns when all has happened, and the reply is near. */
export async function atTheDot(
  scene: Scene,
  relay: number,
  trouble: AtTheDot | undefined,
  isAsked: boolean,
  say: () => Promise<void>,
): Promise<Dealt> {
  const { fleet, judge: by } = scene
  const { store } = fleet
  const its = fleet.relays[relay]
  if (trouble?.kind === 'disk' && its) {
    its.spool.failing = { at: 'commit', kind: trouble.isFull ? 'full' : 'fault' }
    await say()
    return { by, failing: [trouble.isFull ? '452 queue.storage' : '451 always.unavailable'] }
  }
  if (!trouble || trouble.kind === 'disk' || !isAsked) {
    await say()
    return { by, failing: [] }
  }
  store.trouble = trouble
  if (trouble.kind === 'held') {
    await say()
    await inTurns('the store is asked', () => store.isAsked)
    await scene.edit(trouble.edit)
    store.release()
    return { by, failing: [] }
  }
  // The connection that is there stays until the relay gives it up; it gets no other one.
  store.isAway = true
  await say()
  if (trouble.kind === 'silent') {
    await inTurns('the store is asked', () => store.isAsked)
    fleet.runOut()
  }
  await inTurns('the relay gives the store up', () => its?.fleet.status()?.state === 'Away')
  store.drop()
  return { by: 'share', failing: [] }
}
