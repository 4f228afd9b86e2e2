/**
 * Makes a fleet smaller without losing mail: relays that are to leave are told so, and the StatefulSet gets smaller only
 * past those that have proved, just now, that they hold none. What can not be asked is not empty (case S29).
 */
import { type Name, splitName } from '../../compile/snapshot.ts'
import { drainAnnotation } from '../../manifests/config-volume.ts'
import { takesMailLabel } from '../../manifests/labels.ts'
import { claimName } from '../../manifests/names.ts'
import { mayHoldMail, spoolsIn } from '../../spools.ts'
import { isNotFound } from '../api/api-error.ts'
import { resources } from '../api/resource.ts'
import type { RelayPod } from '../watch/relay-pod.ts'
import type { World } from '../watch/world.ts'
import { Deposed, type Writing } from '../write/apply.ts'
import { isGivenUp, type Leave, ordinalOf, podName, shrinkingSince, standing } from './leaving.ts'

/** What a relay says of its leaving; undefined where there is no answer. */
export type AskLeaving = (
  pod: RelayPod,
  signal: AbortSignal,
) => Promise<{ readonly policy: string; readonly drain?: 'Draining' | 'Drained' } | undefined>

export type ShrinkingHands = {
  readonly writing: Writing
  readonly world: Pick<World, 'declaredAs' | 'made' | 'pods'>
  readonly ask: AskLeaving
  readonly now: () => number
  /** Called when a relay may go with its mail, since a person has given that up. */
  readonly gaveUp: (fleet: Name, pod: string) => void
}

export type Shrinking = Leave & { readonly fleet: Name }

/** How many relays the fleet is to have for now. @throws ApiError for trouble that passes. */
export async function relaysForNow(shrinking: Shrinking, hands: ShrinkingHands): Promise<number> {
  const { fleet, wanted } = shrinking
  const { world } = hands
  const spools = spoolsIn(world.declaredAs(`RelayPolicy ${fleet}`)?.status)
  await tellPods(shrinking, hands)
  let relays = standing(world.made(fleet), spools, wanted)
  while (relays > wanted && (await mayGo(podName(fleet, relays - 1), shrinking, hands))) relays -= 1
  return relays
}

/**
 * Whether its annotation or its label is not what it should be: it was told otherwise before, or somebody has edited them.
 */
export function isToBeTold({ name, leaving, drainSince, takesMail }: RelayPod, wanted: number): boolean {
  const leaves = ordinalOf(name) >= wanted
  return !leaving && (leaves !== (drainSince !== undefined) || leaves === takesMail)
}

/** A relay that is to leave gets no new clients, and one that is to stay after all gets them again. */
async function tellPods({ fleet, wanted }: Shrinking, { world, writing, now }: ShrinkingHands): Promise<void> {
  for (const pod of world.pods(fleet).filter((one) => isToBeTold(one, wanted))) {
    const leaves = ordinalOf(pod.name) >= wanted
    const since = leaves ? new Date(pod.drainSince ?? now()).toISOString() : null
    await patch(
      pod,
      { annotations: { [drainAnnotation]: since }, labels: { [takesMailLabel]: String(!leaves) } },
      writing,
    )
  }
}

async function patch({ namespace, name, uid }: RelayPod, metadata: object, { api, mayWrite, signal }: Writing) {
  if (!mayWrite()) throw new Deposed(`Pod ${namespace}/${name} is for another operator to write`)
  try {
    await api.merge(resources.pods, { namespace, name }, { metadata: { uid, ...metadata } }, { signal })
  } catch (error) {
    // The pod is gone, or another one has its name, which will be told in its turn.
    if (!isNotFound(error)) throw error
  }
}

async function mayGo(name: string, shrinking: Shrinking, hands: ShrinkingHands): Promise<boolean> {
  const { fleet } = shrinking
  const { world, writing, ask, now } = hands
  const status = world.declaredAs(`RelayPolicy ${fleet}`)?.status
  // The status still says that it may hold mail, and others go by the status: it has to change first.
  if (mayHoldMail(spoolsIn(status)).includes(name)) return false
  const pod = world.pods(fleet).find((p) => p.name === name)
  const report = pod === undefined || pod.leaving ? undefined : await ask(pod, writing.signal)
  if (report !== undefined && report.policy === fleet && report.drain === 'Drained') return true
  if (report === undefined && (await hasNoVolume(fleet, name, writing))) return true
  const givenUp = isGivenUp(shrinking, pod?.drainSince ?? shrinkingSince(status), now())
  if (givenUp) hands.gaveUp(fleet, name)
  return givenUp
}

/** Whether the relay never had a volume: its claim is not there, or was never bound. */
async function hasNoVolume(fleet: Name, pod: string, { api, signal }: Writing): Promise<boolean> {
  const { namespace } = splitName(fleet)
  try {
    const claim = await api.get(resources.claims, { namespace, name: claimName(pod) }, { signal })
    const { spec, status } = claim as { spec?: { volumeName?: string }; status?: { phase?: string } }
    return (spec?.volumeName ?? '') === '' && status?.phase === 'Pending'
  } catch (error) {
    if (isNotFound(error)) return true
    throw error
  }
}
