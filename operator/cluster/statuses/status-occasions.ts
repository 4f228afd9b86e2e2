/** Which changes of a status are worth an Event: where a condition turned between the status before and the one now. Pure. */
import { apiVersion } from '../../../crds/kinds.ts'
import type { Condition } from '../../compile/compiled.ts'
import { isOf, type Name, type Policy, type Ref, splitRef } from '../../compile/snapshot.ts'
import { claimName } from '../../manifests/names.ts'
import type { Occasion, Regarding } from '../events/event-series.ts'
import type { DeclaredObject } from '../watch/declared.ts'

type Turn = {
  readonly before: readonly Condition[]
  readonly after: readonly Condition[]
}
type Told = Pick<Occasion, 'type' | 'reason' | 'note'>
/** The Event for one thing that may have happened; undefined where it did not. */
type Tale = (turn: Turn, kind: string) => Told | undefined

const of = (type: string, conditions: readonly Condition[]): Condition | undefined =>
  conditions.find((c) => c.type === type)

const warning = ({ reason, message }: Condition): Told => ({ type: 'Warning', reason, note: message })

/** A condition has come to have this status. A restart of the operator changes no status, so it repeats no Event. */
const cameTo =
  (type: string, status: Condition['status'], matters: (c: Condition) => boolean = () => true): Tale =>
  ({ before, after }) => {
    const [was, is] = [of(type, before), of(type, after)]
    if (is?.status !== status || !matters(is)) return undefined
    return was?.status === status && was.reason === is.reason ? undefined : warning(is)
  }

const refused = cameTo('Accepted', 'False')
const certificateEnds = cameTo('CertificateValid', 'False')
const lags = cameTo('Programmed', 'False', ({ reason }) => reason === 'Lagging')

const scalesDown = cameTo('ScalingDown', 'True')
/** Draining passes by itself, so only the other reasons are warnings. */
const drains: Tale = (turn, kind) => {
  const told = scalesDown(turn, kind)
  return told?.reason === 'Draining' ? { ...told, type: 'Normal' } : told
}
const spoolLost = cameTo('SpoolReset', 'True')
const oldKey = cameTo('RotationPending', 'True', ({ reason }) => ['OldKeyOverdue', 'UseUnknown'].includes(reason))

const rotation = cameTo('RotationInProgress', 'True')
/** A warning while a person may have to publish a record; the rest of the rotation goes by itself. */
const rotates: Tale = (turn, kind) => {
  const told = rotation(turn, kind)
  return told === undefined || told.reason === 'RecordPending' ? told : { ...told, type: 'Normal' }
}

/** Only this reason of Degraded; Ready or a metric tells of the others. */
const storeLost = cameTo('Degraded', 'True', ({ reason }) => reason === 'LimitStoreAway')

const quotaEnds = cameTo('QuotaApproaching', 'True')
const recordsBreak = ['SPFValid', 'DKIMValid', 'DMARCValid'].map((type) => cameTo(type, 'False'))

/** Reasons of Ready that come from the fleet: its policy has the Event, and not each of ten thousand credentials. */
const ofItsFleet = ['PolicyNotProgrammed', 'Held']
/**
 * Reasons without an Event for Ready: NotLoaded and NoAnswer may pass, and are told as `Lagging` where they do not; Deleting
 * is what a person did, and `ScalingDown` tells of it.
 */
const passing = ['NotLoaded', 'NoAnswer', 'Deleting']

const isQuiet = (kind: string, { reason }: Condition): boolean =>
  passing.includes(reason) || (kind === 'RelayCredential' && ofItsFleet.includes(reason))

const readyLost: Tale = ({ before, after }, kind) => {
  const is = of('Ready', after)
  if (of('Ready', before)?.status !== 'True' || is?.status !== 'False' || isQuiet(kind, is)) return undefined
  return warning(is)
}

const readyAgain: Tale = ({ before, after }, kind) => {
  const was = of('Ready', before)
  if (was?.status !== 'False' || of('Ready', after)?.status !== 'True' || isQuiet(kind, was)) return undefined
  return { type: 'Normal', reason: 'Ready', note: `everything is in order, after ${was.reason}` }
}

const tales: readonly Tale[] = [
  refused,
  certificateEnds,
  lags,
  drains,
  spoolLost,
  quotaEnds,
  storeLost,
  oldKey,
  rotates,
  ...recordsBreak,
  readyLost,
  readyAgain,
]

/** The Event for a relay that went with its mail, since a person had given that up. */
export const leftOccasion = (fleet: Name, pod: string, uid: string): Occasion => ({
  regarding: regardingOf(`RelayPolicy ${fleet}`, uid),
  action: 'Remove',
  type: 'Warning',
  reason: 'QueueLeft',
  note: `${pod} had not delivered all of its mail, and was let go; what is left stays on claim ${claimName(pod)}`,
})

/**
 * The Events after the authority was lost and another one made: for each fleet that has run on its certificates. `secret`
 * names the Secret that held it.
 */
export const authorityOccasions = (declared: readonly DeclaredObject[], secret: string): readonly Occasion[] =>
  declared.filter(showsIssued).map(({ ref, uid }) => ({
    regarding: regardingOf(ref, uid),
    action: 'Issue',
    type: 'Warning',
    reason: 'AuthorityReplaced',
    note:
      `the certificates of its listeners are from another authority than before, since ${secret} was not there: applications ` +
      'have to read the authorities in their binding (certificates) anew, and refuse its relays until then',
  }))

/**
 * Whether it has run, by its status, and a listener of it has a certificate of the operator's. What has an error may have
 * one.
 */
function showsIssued(object: DeclaredObject): boolean {
  if (!isOf(object.ref, 'RelayPolicy') || object.status['configHash'] === undefined) return false
  return object.is === 'invalid' || (object.resource as Policy).spec.listeners.some((l) => !('certificateRef' in l.tls))
}

function regardingOf(ref: Ref, uid: string): Regarding {
  return { apiVersion, ...splitRef(ref), uid }
}

/** The Events for one write of a status. `before` is empty for an object that had no status. */
export function statusOccasions(ref: Ref, uid: string, turn: Turn): readonly Occasion[] {
  const regarding = regardingOf(ref, uid)
  const told = tales.flatMap((tale) => tale(turn, regarding.kind) ?? [])
  // Two of them may tell the same reason: that is one Event.
  const once = [...new Map(told.map((t) => [t.reason, t])).values()]
  return once.map((t) => ({ regarding, action: 'Report', ...t }))
}
