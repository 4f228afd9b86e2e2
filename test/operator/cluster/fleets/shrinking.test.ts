/** A fleet is made smaller only by relays that have proved to hold no mail (case S29). */
import { expect, test } from 'vitest'
import { ApiError } from '../../../../operator/cluster/api/api-error.ts'
import { leaveOf, standing } from '../../../../operator/cluster/fleets/leaving.ts'
import {
  type AskLeaving,
  relaysForNow,
  type Shrinking,
  type ShrinkingHands,
} from '../../../../operator/cluster/fleets/shrinking.ts'
import type { RelayPod } from '../../../../operator/cluster/watch/relay-pod.ts'
import { now, pod } from '../statuses/fleet-evidence.ts'

type Claim = 'absent' | 'unbound' | 'bound' | 'forbidden'
type Cluster = {
  readonly pods?: readonly RelayPod[]
  /** What each relay answers, by its pod's name. */
  readonly says?: Readonly<Record<string, 'Draining' | 'Drained' | 'stays' | 'another fleet'>>
  readonly claims?: Readonly<Record<string, Claim>>
  /** The relays whose spool is remembered in the status. */
  readonly remembered?: readonly string[]
  readonly replicas?: number
  readonly shrinking?: boolean
  readonly more?: Partial<Shrinking>
}

const minutes = (n: number): number => now - n * 60_000
const leaves = (index: number, since = minutes(1)): RelayPod => pod(index, { drainSince: since })
const claim = (is: Claim) =>
  is === 'bound'
    ? { spec: { volumeName: 'pv-1' }, status: { phase: 'Bound' } }
    : { spec: {}, status: { phase: 'Pending' } }

async function shrunk(cluster: Cluster) {
  const { pods = [], says = {}, claims = {}, remembered = [], replicas = 3, shrinking = false, more = {} } = cluster
  const [patched, givenUp]: [string[], string[]] = [[], []]
  const ask: AskLeaving = async ({ name }) => {
    const said = says[name]
    if (said === undefined) return undefined
    if (said === 'another fleet') return { policy: 'mail/other', drain: 'Drained' }
    return { policy: 'mail/shared', ...(said !== 'stays' && { drain: said }) }
  }
  const conditions = shrinking
    ? [{ type: 'ScalingDown', status: 'True', lastTransitionTime: new Date(minutes(40)).toISOString() }]
    : []
  const status = { conditions, spools: remembered.map((name) => ({ name, id: 'x' })) }
  const hands = {
    writing: {
      api: {
        get: async (_resource: unknown, { name }: { readonly name: string }) => {
          const is = claims[name] ?? 'bound'
          if (is === 'absent') throw new ApiError('refused', 'not found', { code: 404 })
          if (is === 'forbidden') throw new ApiError('refused', 'forbidden', { code: 403 })
          return claim(is)
        },
        merge: async (_resource: unknown, { name }: { readonly name: string }, change: object) => {
          patched.push(`${name} ${JSON.stringify((change as { metadata: object }).metadata)}`)
        },
      },
      mayWrite: () => true,
      signal: new AbortController().signal,
    },
    world: {
      declaredAs: () => ({ status }),
      made: () => [{ kind: 'StatefulSet', spec: { replicas } }],
      pods: () => pods,
    },
    ask,
    now: () => now,
    gaveUp: (_fleet: string, name: string) => givenUp.push(name),
  } as unknown as ShrinkingHands
  const declared = { wanted: 1, drainTimeoutMs: 30 * 60_000, discard: false, whole: false }
  const goal: Shrinking = { fleet: 'mail/shared', ...declared, ...more }
  return { relays: await relaysForNow(goal, hands), patched, givenUp }
}

const all = [pod(0), leaves(1), leaves(2)]

test.each<[string, Cluster, number]>([
  ['both that leave are empty: both go', { pods: all, says: { 'shared-1': 'Drained', 'shared-2': 'Drained' } }, 1],
  ['the last one has mail: none goes', { pods: all, says: { 'shared-1': 'Drained', 'shared-2': 'Draining' } }, 3],
  ['only the last one is empty: it goes', { pods: all, says: { 'shared-1': 'Draining', 'shared-2': 'Drained' } }, 2],
  [
    'neither has heard yet that it leaves: none goes',
    { pods: all, says: { 'shared-1': 'stays', 'shared-2': 'stays' } },
    3,
  ],
  ['the last one does not answer: none goes', { pods: all, says: { 'shared-1': 'Drained' } }, 3],
  [
    'the address of the last one belongs to a relay of another fleet: none goes',
    { pods: all, says: { 'shared-2': 'another fleet' } },
    3,
  ],
  ['the last one has no pod, but a volume: none goes', { pods: all.slice(0, 2), says: { 'shared-1': 'Drained' } }, 3],
  [
    'the last one is being deleted and has a volume: none goes',
    { pods: [pod(0), leaves(1), pod(2, { leaving: true })], says: { 'shared-2': 'Drained' } },
    3,
  ],
  [
    'the last one never had a volume, and the other one is empty: both go',
    { pods: all.slice(0, 2), claims: { 'data-shared-2': 'unbound' }, says: { 'shared-1': 'Drained' } },
    1,
  ],
  [
    'neither ever had a volume: both go',
    { pods: [pod(0)], claims: { 'data-shared-1': 'absent', 'data-shared-2': 'absent' } },
    1,
  ],
  [
    'the last one answers that it has mail, though its claim is unbound: none goes',
    { pods: all, claims: { 'data-shared-2': 'unbound' }, says: { 'shared-2': 'Draining' } },
    3,
  ],
  [
    'the spool of the last one is still in the status: none goes',
    { pods: all, says: { 'shared-2': 'Drained' }, remembered: ['shared-2'] },
    3,
  ],
  [
    'the StatefulSet was made smaller by hand, past a spool in the status: it grows back',
    { replicas: 1, pods: [pod(0)], remembered: ['shared-0', 'shared-2'] },
    3,
  ],
  ['no relay has to leave: the number stays', { replicas: 1, pods: [pod(0)] }, 1],
  ['more relays are wanted: the number grows at once', { replicas: 1, pods: [pod(0)], more: { wanted: 4 } }, 4],
  [
    'the drain timeout of the last one is over, and it has mail: none goes',
    { pods: [pod(0), leaves(1), leaves(2, minutes(31))], says: { 'shared-2': 'Draining' } },
    3,
  ],
])('%s', async (_name, cluster, relays) => {
  expect((await shrunk(cluster)).relays).toBe(relays)
})

test.each<[string, Cluster, number, readonly string[]]>([
  ['one in its drain timeout is waited for', { pods: all, says: { 'shared-2': 'Draining' } }, 3, []],
  [
    'an overdue one goes with its mail',
    { pods: [pod(0), leaves(1), leaves(2, minutes(31))], says: { 'shared-1': 'Draining', 'shared-2': 'Draining' } },
    2,
    ['shared-2'],
  ],
  [
    'one without a pod since long ago goes with its mail',
    { pods: [pod(0), leaves(1)], says: { 'shared-1': 'Draining' }, shrinking: true },
    2,
    ['shared-2'],
  ],
  [
    'one that is empty goes without giving up mail',
    { pods: [pod(0), leaves(1), leaves(2, minutes(31))], says: { 'shared-1': 'Draining', 'shared-2': 'Drained' } },
    2,
    [],
  ],
])('where a person gives up the mail that is left, %s', async (_name, cluster, relays, givenUp) => {
  expect(await shrunk({ ...cluster, more: { discard: true } })).toMatchObject({ relays, givenUp })
})

const everybody = { wanted: 0, whole: true } as const
test.each<[string, Cluster, number, readonly string[]]>([
  [
    'all relays are empty, and all go',
    { pods: [leaves(0), leaves(1)], says: { 'shared-0': 'Drained', 'shared-1': 'Drained' } },
    0,
    [],
  ],
  [
    'the first one has mail and stays',
    { pods: [leaves(0), leaves(1)], says: { 'shared-0': 'Draining', 'shared-1': 'Drained' } },
    1,
    [],
  ],
  ['one does not answer, and both stay', { pods: [leaves(0), leaves(1)], says: { 'shared-0': 'Drained' } }, 2, []],
  [
    'no relay ever had a pod, and none is waited for',
    { claims: { 'data-shared-0': 'absent', 'data-shared-1': 'absent' } },
    0,
    [],
  ],
  [
    'mail that was given up is not waited for',
    {
      pods: [leaves(0, now), leaves(1, now)],
      says: { 'shared-0': 'Drained', 'shared-1': 'Draining' },
      more: { discard: true },
    },
    0,
    ['shared-1'],
  ],
])('where the policy is deleted, %s', async (_name, { more, ...cluster }, relays, givenUp) => {
  expect(await shrunk({ replicas: 2, ...cluster, more: { ...everybody, ...more } })).toMatchObject({ relays, givenUp })
})

test('a held fleet gets smaller only where its policy is deleted', () => {
  expect(leaveOf({ kind: 'hold' })).toBeUndefined()
  expect(leaveOf({ kind: 'hold', leaving: true })).toMatchObject({ wanted: 0, whole: true })
})

test('a relay that has to leave is marked so, once, and one that stays after all is marked again as taking mail', async () => {
  const { patched } = await shrunk({ pods: [leaves(0), pod(1), leaves(2), pod(3, { leaving: true })] })
  expect(patched).toHaveLength(2)
  expect(patched[0]).toContain('shared-0 {"uid":"0000-0000","annotations":{"relayfleet.dev/drain":null}')
  expect(patched[0]).toContain('"labels":{"relayfleet.dev/takes-mail":"true"}')
  expect(patched[1]).toContain(
    'shared-1 {"uid":"0000-0001","annotations":{"relayfleet.dev/drain":"2026-11-24T03:00:00.000Z"}',
  )
  expect(patched[1]).toContain('"labels":{"relayfleet.dev/takes-mail":"false"}')
})

test('a claim that can not be looked at is an error, and the fleet gets no smaller', async () => {
  await expect(shrunk({ pods: [pod(0)], claims: { 'data-shared-2': 'forbidden' } })).rejects.toThrow('forbidden')
})

test('a fleet has as many relays as its StatefulSet says, or more if spools in the status may hold mail', () => {
  const set = (replicas?: number) => [{ kind: 'StatefulSet', spec: { replicas } }] as never
  const had = (...names: readonly string[]) => names.map((name) => ({ name, id: 'x' }))
  expect(standing([], [], 2)).toBe(2)
  expect(standing(set(3), [], 2)).toBe(3)
  expect(standing([], had('shared-0', 'shared-4'), 2)).toBe(5)
  expect(standing(set(1), had('shared-0', 'odd'), 0)).toBe(1)
})
