/** Collects what is wrong with objects: conditions that are bad news, and edits that the operator has not looked at. Pure. */
import type { DeclaredObject } from '../cluster/watch/declared.ts'
import type { Compiled, Condition, Finding } from '../compile/compiled.ts'
import { notSigned } from '../compile/not-signed.ts'
import { byText } from '../compile/order.ts'
import { namespaceIn, type Ref } from '../compile/snapshot.ts'

/** `error`: something that is declared does not happen. `warning`: it is in doubt, or was stopped on purpose. */
export type Severity = 'error' | 'warning'

export type Complaint = {
  readonly severity: Severity
  /** `RelayPolicy mail/shared`, or another thing that the complaint is about. */
  readonly object: string
  /** The type of the condition, if the complaint is one. */
  readonly condition?: string
  readonly field?: string
  readonly reason: string
  /** What is wrong, and how to mend it. */
  readonly message: string
}

type News = {
  readonly when: Condition['status']
  readonly severity: Severity
  /** Reasons that are only a warning. */
  readonly mild?: readonly string[]
}

/** For each condition: which status is bad news, and how bad. Ready is not among them, as it is derived from the others. */
const badNews: Readonly<Record<string, News>> = {
  Accepted: { when: 'False', severity: 'error' },
  ResolvedRefs: { when: 'False', severity: 'error' },
  Programmed: { when: 'False', severity: 'error' },
  Available: { when: 'False', severity: 'error' },
  CertificateValid: { when: 'False', severity: 'error' },
  ClosedRelayVerified: { when: 'False', severity: 'error' },
  SPFValid: { when: 'False', severity: 'error' },
  DKIMValid: { when: 'False', severity: 'error', mild: [notSigned] },
  DMARCValid: { when: 'False', severity: 'error' },
  RecordsPublished: {
    when: 'False',
    severity: 'error',
    mild: ['NotSeenEverywhere', 'NotDelegated', 'RetiredKeyPublished'],
  },
  ScalingDown: { when: 'True', severity: 'warning' },
  SpoolReset: { when: 'True', severity: 'error' },
  Degraded: { when: 'True', severity: 'error' },
  QuotaApproaching: { when: 'True', severity: 'warning' },
  Suspended: { when: 'True', severity: 'warning' },
  Expired: { when: 'True', severity: 'warning' },
}

/** Reasons that only follow from another condition of the same object. */
const consequences: ReadonlySet<string> = new Set(['Held', 'NotUsable'])

/** An object and its status. In local mode, edits are not counted, so there is no generation. */
export type Speaker = { readonly ref: Ref; readonly generation?: number; readonly status: DeclaredObject['status'] }

export const speaker = (object: DeclaredObject): Speaker => {
  const { generation } = object.is === 'valid' ? object.resource : object.invalid
  return { ref: object.ref, status: object.status, generation }
}

type Written = { readonly observedGeneration?: number; readonly conditions?: readonly Condition[] }
export const writtenIn = ({ status }: Pick<Speaker, 'status'>): Written => status as Written

/** Whether the operator has not looked at the newest edit yet. */
export const isBehind = (object: Speaker): boolean =>
  object.generation !== undefined && writtenIn(object).observedGeneration !== object.generation

/** What is wrong with one object: by its conditions, and by findings of compile, which also know the field. */
function complaintsOf(object: Speaker, found: readonly Finding[] = []): readonly Complaint[] {
  const written = (writtenIn(object).conditions ?? []).flatMap((c) => complaintIn(object, c))
  const compiled = found.filter(isCertain).flatMap((f) => complaintIn(object, f))
  const all = withFields(written, compiled)
  const causes = all.filter(({ reason }) => !consequences.has(reason))
  return [...(isBehind(object) ? [notLookedAt(object)] : []), ...(causes.length > 0 ? causes : all)]
}

/** Findings that count: not Programmed, which only the operator can judge, and nothing Unknown, which the operator may know. */
const isCertain = ({ status, type }: Finding): boolean => badNews[type]?.when === status && type !== 'Programmed'

function complaintIn(object: Speaker, condition: Finding): readonly Complaint[] {
  const { type, status, reason, message, field } = condition
  const news = badNews[type]
  const bad = news?.when === status
  if (news === undefined || !(bad || status === 'Unknown')) return []
  const severity = bad && news.mild?.includes(reason) !== true ? news.severity : 'warning'
  const about = { object: object.ref, condition: type, ...(field !== undefined && { field }) }
  return [{ severity, ...about, reason, message }]
}

/**
 * A condition may join the messages of several findings. If it says no more than they do, they are shown instead, as they have
 * fields.
 */
function withFields(written: readonly Complaint[], compiled: readonly Complaint[]): readonly Complaint[] {
  const matching = (w: Complaint) =>
    compiled.filter((c) => c.condition === w.condition && w.severity === c.severity && w.message.includes(c.message))
  const told = (w: Complaint): readonly Complaint[] => {
    const matched = matching(w)
    const rest = matched.reduce((text, { message }) => text.replaceAll(message, ''), w.message)
    return /^[; ]*$/.test(rest) ? matched : [w]
  }
  const known = new Set(written.flatMap(matching))
  return withoutEchoes([...written.flatMap(told), ...compiled.filter((c) => !known.has(c))])
}

type Told = { readonly object?: string; readonly message: string }

/** Drops complaints whose message is contained in another one about the same object. */
export const withoutEchoes = <T extends Told>(all: readonly T[]): readonly T[] =>
  all.filter((c, i) => !all.some((o, j) => j !== i && says(o, c) && (j < i || !says(c, o))))
const says = (other: Told, c: Told): boolean => other.object === c.object && other.message.includes(c.message)

function notLookedAt(object: Speaker): Complaint {
  const { observedGeneration = 0 } = writtenIn(object)
  const { generation, ref } = object
  const what =
    observedGeneration === 0
      ? 'no operator has looked at it yet'
      : `its newest edit was not looked at: it is generation ${generation}, and its status speaks of ${observedGeneration}`
  return {
    severity: 'error',
    object: ref,
    reason: 'NotObserved',
    message: `${what}; is the operator running, and does it watch namespace ${namespaceIn(ref)}?`,
  }
}

/** Errors first, then by kind and name. */
export const inOrder = (complaints: readonly Complaint[]): readonly Complaint[] =>
  complaints.toSorted(
    (a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning') || byText(a.object, b.object),
  )

export const complaintsIn = (
  objects: readonly Speaker[],
  findings: Compiled['findings'] = new Map(),
): readonly Complaint[] => inOrder(objects.flatMap((o) => complaintsOf(o, findings.get(o.ref))))
