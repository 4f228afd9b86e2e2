/** When a new key may be handed out: when no relay that takes mail refuses it; where nobody can tell, it waits. */
import { expect, test } from 'vitest'
import { reachIn } from '../../../../operator/cluster/bindings/key-reach.ts'
import type { RelayPod } from '../../../../operator/cluster/watch/relay-pod.ts'
import { pod } from '../statuses/fleet-evidence.ts'

const keys = [{ id: 'new', state: 'Pending' }]
const conditions = (status: string) => [{ type: 'Programmed', status }]

test.each<[string, string, readonly RelayPod[], boolean, boolean]>([
  ['all relays have it', 'True', [pod(0)], true, true],
  ['one does not', 'False', [pod(0)], true, false],
  ['no relay takes mail', 'False', [pod(0, { ready: false })], true, true],
  ['there is no pod', 'False', [], true, true],
  ['no pod could be listed', 'False', [], false, false],
])('%s', (_name, programmed, pods, knowsPods, expected) => {
  const status = { keys, conditions: conditions(programmed) }
  const world = { declaredAs: () => ({ status }) as never, pods: () => pods, knowsPods: () => knowsPods }
  expect(reachIn(world)('mail/shared', 'shop/web', 'new')).toBe(expected)
})
