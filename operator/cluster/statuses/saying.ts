/** What is said of an object now: by the evidence, as before, or nothing until its fleet has settled. Pure. */
import type { Condition, Status } from '../../compile/compiled.ts'
import { kindIn, type Ref } from '../../compile/snapshot.ts'
import { isPending, type StampedStatus } from '../../observed-status.ts'
import type { FleetStanding } from './fleet-standing.ts'
import { sameJson } from './same-json.ts'

export type Saying = {
  /**
   * What goes before what compile left open; `asBefore` is what was said of Programmed, and `known` that all relays know
   * this very object, whatever else they have to load.
   */
  readonly by: 'evidence' | 'known' | 'asBefore' | 'compiled'
  /** `briefly`: it may be otherwise in a moment, so it is not worth a write yet. `long`: until the fleet has settled. */
  readonly waits: 'not' | 'briefly' | 'long'
}

const now = (by: Saying['by']): Saying => ({ by, waits: 'not' })

export type Said = {
  /** What was compiled. */
  readonly status: Status
  /** Of the fleet that it belongs to; absent where no fleet knows of it. */
  readonly standing: FleetStanding | undefined
  /** Its relays know it as it was compiled, though their fleet has something newer to load. */
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
  // What stands is not older than the patience that made it unsettled; a new generation deserves an answer. A fleet whose
  // configuration changes without end never settles, and must not be said to be down meanwhile.
  const stands = wasTold(status, before) && !(isAvailable(standing.further) && !isAvailable(before.conditions))
  return { by: 'evidence', waits: stands ? 'long' : 'briefly' }
}

const isAvailable = (conditions: readonly Condition[]): boolean =>
  conditions.some(({ type, status }) => type === 'Available' && status === 'True')

function credentialSaying(status: Status, standing: FleetStanding | undefined, before: StampedStatus): Saying {
  // It waits for its first key.
  if (standing === undefined) return { by: 'compiled', waits: 'briefly' }
  const unchanged = wasTold(status, before) && sameJson(accepted(status), accepted(before))
  if (!standing.settled) return unchanged ? now('asBefore') : { by: 'compiled', waits: 'briefly' }
  // While relays only fail to load something newer, whoever they know already is as good as before: ten thousand
  // statuses do not follow each restart of a relay.
  return unchanged && programmedIn(before)?.status === 'True' && !standing.down ? now('asBefore') : now('evidence')
}

/** What relays know of its keys: which one is the newest, and who used them, is nothing to them. */
const accepted = ({ keys }: Readonly<Record<string, unknown>>): readonly unknown[] =>
  Array.isArray(keys) ? keys.map(({ id, verifier }) => ({ id, verifier })) : []

const programmedIn = ({
  conditions,
}: Pick<StampedStatus, 'conditions'>): StampedStatus['conditions'][number] | undefined =>
  conditions.find(({ type }) => type === 'Programmed')

/** Whether it was said how this very generation stands. */
function wasTold({ observedGeneration }: Status, before: StampedStatus): boolean {
  const programmed = programmedIn(before)
  return (
    programmed !== undefined && programmed.status !== 'Unknown' && programmed.observedGeneration === observedGeneration
  )
}

const outline = (conditions: readonly Condition[]): readonly string[] =>
  conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`).toSorted()

/** Whether it stands as before, and only figures or words are others. */
export const sameOutline = (a: StampedStatus, b: StampedStatus): boolean =>
  sameJson(outline(a.conditions), outline(b.conditions))
