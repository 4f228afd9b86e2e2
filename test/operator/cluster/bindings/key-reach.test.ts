/** A new key may be handed out when no relay that takes mail refuses it, and has to wait where that is not known. */
import { expect, test } from 'vitest'
import { reachIn } from '../../../../operator/cluster/bindings/key-reach.ts'
import type { RelayPod } from '../../../../operator/cluster/watch/relay-pod.ts'
import { pod } from '../statuses/fleet-evidence.ts'

const keys = [{ id: 'new', state: 'Pending' }]
const conditions = (status: string) => [{ type: 'Programmed', status }]

test.each<[string, string, readonly RelayPod[], boolean, boolean]>([
  ['a key that all relays have may be handed out', 'True', [pod(0)], true, true],
  ['a key that a relay lacks has to wait', 'False', [pod(0)], true, false],
  ['while no relay takes mail, a key may be handed out', 'False', [pod(0, { ready: false })], true, true],
  ['while there is no pod, a key may be handed out', 'False', [], true, true],
  ['while no pod could be listed, a key has to wait', 'False', [], false, false],
])('%s', (_name, programmed, pods, knowsPods, expected) => {
  const status = { keys, conditions: conditions(programmed) }
  const world = { declaredAs: () => ({ status }) as never, pods: () => pods, knowsPods: () => knowsPods }
  expect(reachIn(world)('mail/shared', 'shop/web', 'new')).toBe(expected)
})
