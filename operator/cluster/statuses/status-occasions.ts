/** What is worth an Event: where an object's fortune turned, between the status that stood and the one now. Pure. */
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
/** What happened, if it did. */
type Tale = (turn: Turn, kind: string) => Told | undefined

const of = (type: string, conditions: readonly Condition[]): Condition | undefined =>
  conditions.find((c) => c.type === type)

const warning = ({ reason, message }: Condition): Told => ({ type: 'Warning', reason, note: message })

/** It came to be so. A restart of the operator changes no status, and so tells nothing again. */
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
/** Only what does not pass by itself is a warning. */
const drains: Tale = (turn, kind) => {
  const told = scalesDown(turn, kind)
  return told?.reason === 'Draining' ? { ...told, type: 'Normal' } : told
}
const spoolLost = cameTo('SpoolReset', 'True')
const oldKey = cameTo('RotationPending', 'True', ({ reason }) => ['OldKeyOverdue', 'UseUnknown'].includes(reason))

const rotation = cameTo('RotationInProgress', 'True')
/** Somebody may have to publish a record; what follows goes by itself. */
const rotates: Tale = (turn, kind) => {
  const told = rotation(turn, kind)
  return told === undefined || told.reason === 'RecordPending' ? told : { ...told, type: 'Normal' }
}

/** What else Degraded says, Ready or a metric tells. */
const storeLost = cameTo('Degraded', 'True', ({ reason }) => reason === 'LimitStoreAway')

const quotaEnds = cameTo('QuotaApproaching', 'True')
const recordsBreak = ['SPFValid', 'DKIMValid', 'DMARCValid'].map((type) => cameTo(type, 'False'))

/** Ten thousand credentials do not each tell that their fleet is away: its policy does. */
const ofItsFleet = ['PolicyNotProgrammed', 'Held']
/** May pass by itself, what does not is told as `Lagging`; or is what somebody did, and is told by `ScalingDown`. */
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

/** A relay was let go with its mail, since a person has given that up. */
export const leftOccasion = (fleet: Name, pod: string, uid: string): Occasion => ({
  regarding: regardingOf(`RelayPolicy ${fleet}`, uid),
  action: 'Remove',
  type: 'Warning',
  reason: 'QueueLeft',
  note: `${pod} had not delivered all of its mail, and was let go; what is left stays on claim ${claimName(pod)}`,
})

/** Another authority than the one before, which is lost: of the fleets that have run on its certificates. `secret` held it. */
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

/** By its status it ran; and one of its listeners names no certificate of its own. */
function showsIssued(object: DeclaredObject): boolean {
  if (!isOf(object.ref, 'RelayPolicy') || object.status['configHash'] === undefined) return false
  return object.is === 'invalid' || (object.resource as Policy).spec.listeners.some((l) => !('certificateRef' in l.tls))
}

function regardingOf(ref: Ref, uid: string): Regarding {
  return { apiVersion, ...splitRef(ref), uid }
}

/** `before`: as it stood in the cluster, empty for what had no status. */
export function statusOccasions(ref: Ref, uid: string, turn: Turn): readonly Occasion[] {
  const regarding = regardingOf(ref, uid)
  const told = tales.flatMap((tale) => tale(turn, regarding.kind) ?? [])
  // The same reason by two ways is one story.
  const once = [...new Map(told.map((t) => [t.reason, t])).values()]
  return once.map((t) => ({ regarding, action: 'Report', ...t }))
}
