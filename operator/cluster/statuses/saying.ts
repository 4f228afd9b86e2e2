/** Which status of an object is written, and when: by the evidence, as before, or only once its fleet has settled. Pure. */
import type { Condition, Status } from '../../compile/compiled.ts'
import { kindIn, type Ref } from '../../compile/snapshot.ts'
import { isPending, type StampedStatus } from '../../observed-status.ts'
import type { FleetStanding } from './fleet-standing.ts'
import { sameJson } from './same-json.ts'

export type Saying = {
  /**
   * What fills in Programmed where compile left it open: the `evidence` of its fleet; `known`: all relays know this very
   * object, whatever else they have to load; what was said `asBefore`; or `compiled`: nothing, it stays as it is.
   */
  readonly by: 'evidence' | 'known' | 'asBefore' | 'compiled'
  /** `briefly`: it may change in a moment, so it is not worth a write yet. `long`: until the fleet has settled. */
  readonly waits: 'not' | 'briefly' | 'long'
}

const now = (by: Saying['by']): Saying => ({ by, waits: 'not' })

export type Said = {
  /** The status that was compiled. */
  readonly status: Status
  /** How the fleet stands that it belongs to; undefined where it belongs to none. */
  readonly standing: FleetStanding | undefined
  /** All relays know it as it was compiled, though their fleet has something newer to load. */
  readonly isKnown: boolean
}

export function sayingOf(ref: Ref, { status, standing, isKnown }: Said, before: StampedStatus): Saying {
  switch (kindIn(ref)) {
    case 'RelayPolicy':
      return standing === undefined ? now('compiled') : policySaying(status, standing, before)
    case 'RelayCredential':
      if (!isPending(status)) return now('compiled')
      return isKnown ? now('known') : credentialSaying(status, standing, before)
    default:
      return now('compiled')
  }
}

function policySaying(status: Status, standing: FleetStanding, before: StampedStatus): Saying {
  if (!isPending(status) || standing.settled) return now('evidence')
  // What the status says is no older than the patience that left the fleet unsettled, so it may stay; but a new generation
  // needs an answer. And a fleet whose configuration changes without end never settles: it must not be said to be down
  // meanwhile.
  const stands = wasTold(status, before) && !(isAvailable(standing.further) && !isAvailable(before.conditions))
  return { by: 'evidence', waits: stands ? 'long' : 'briefly' }
}

const isAvailable = (conditions: readonly Condition[]): boolean =>
  conditions.some(({ type, status }) => type === 'Available' && status === 'True')

function credentialSaying(status: Status, standing: FleetStanding | undefined, before: StampedStatus): Saying {
  // It has no key yet, so no fleet has it.
  if (standing === undefined) return { by: 'compiled', waits: 'briefly' }
  const unchanged = wasTold(status, before) && sameJson(accepted(status), accepted(before))
  if (!standing.settled) return unchanged ? now('asBefore') : { by: 'compiled', waits: 'briefly' }
  // Where relays only fail to load something newer, a credential that they know is as good as before. So ten thousand
  // statuses do not change with each restart of a relay.
  return unchanged && programmedIn(before)?.status === 'True' && !standing.down ? now('asBefore') : now('evidence')
}

/** What relays know of its keys. Which one is the newest, and who has used them, makes no difference to relays. */
const accepted = ({ keys }: Readonly<Record<string, unknown>>): readonly unknown[] =>
  Array.isArray(keys) ? keys.map(({ id, verifier }) => ({ id, verifier })) : []

const programmedIn = ({
  conditions,
}: Pick<StampedStatus, 'conditions'>): StampedStatus['conditions'][number] | undefined =>
  conditions.find(({ type }) => type === 'Programmed')

/** Whether the status says how this generation stands. */
function wasTold({ observedGeneration }: Status, before: StampedStatus): boolean {
  const programmed = programmedIn(before)
  return (
    programmed !== undefined && programmed.status !== 'Unknown' && programmed.observedGeneration === observedGeneration
  )
}

const outline = (conditions: readonly Condition[]): readonly string[] =>
  conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`).toSorted()

/** Whether both say the same, but for figures and words. */
export const sameOutline = (a: StampedStatus, b: StampedStatus): boolean =>
  sameJson(outline(a.conditions), outline(b.conditions))
