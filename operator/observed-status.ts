/** One object's status as it is written: what compile said, corrected by what relays and name servers have shown since. Pure. */
import type { Condition, Status } from './compile/compiled.ts'
import { isOf, kindIn, type Name, type Ref } from './compile/snapshot.ts'
import { mergeConditions, type Stamped } from './conditions.ts'
import type { Standing } from './standing.ts'

export type StampedStatus = {
  readonly observedGeneration: number
  readonly conditions: readonly Stamped[]
  readonly [field: string]: unknown
}

export type Evidence = {
  /** The RelayPolicy to whose fleet the object belongs; undefined where there is none. */
  readonly fleet: Name | undefined
  /** Undefined: nothing new is known of the fleet, and what was said of Programmed before stays. */
  readonly standing: Standing | undefined
  /** Conditions that were found for this very object; each replaces any other of its type. */
  readonly found: readonly Condition[]
  /** Further fields of the status: a credential's usage and keys, or a domain's records. */
  readonly fields?: Readonly<Record<string, unknown>>
}

export function observedStatus(
  ref: Ref,
  status: Status,
  evidence: Evidence,
  before: StampedStatus | undefined,
  now: string,
): StampedStatus {
  const old = before?.conditions ?? []
  const isUnseen = isOf(ref, 'RelayPolicy') && evidence.standing === undefined
  const conditions = corrected(ref, status, evidence) ?? asBefore(status, old)
  const found = evidence.found.reduce(withCondition, isUnseen ? [...conditions, ...lostSpools(old)] : conditions)
  const fields = isOf(ref, 'RelayPolicy') ? policyFields(evidence, before) : evidence.fields
  return { ...status, ...fields, conditions: mergeConditions(old, found, status.observedGeneration, now) }
}

const lostSpools = (old: readonly Stamped[]): readonly Condition[] => old.filter(({ type }) => type === 'SpoolReset')

/** Which spools the relays had is recorded only in this status, so it is kept while there is no new evidence. */
function policyFields({ standing }: Evidence, before: StampedStatus | undefined): Evidence['fields'] {
  if (standing !== undefined) return standing.fields
  return before?.['spools'] === undefined ? {} : { spools: before['spools'] }
}

/** Whether compile has left the condition Programmed to the evidence of the relays. */
export const isPending = ({ conditions }: Pick<Status, 'conditions'>): boolean =>
  conditions.some((c) => c.type === 'Programmed' && c.status === 'Unknown')

/** The conditions by the present evidence; undefined where the object waits for evidence that is not there yet. */
function corrected(ref: Ref, status: Status, { fleet, standing }: Evidence): readonly Condition[] | undefined {
  switch (kindIn(ref)) {
    case 'RelayPolicy':
      return isPending(status) && standing === undefined ? undefined : withEvidence(status, standing)
    case 'RelayCredential':
      if (!isPending(status) || fleet === undefined) return status.conditions
      return standing === undefined ? undefined : programmedAs(status, standing, fleet)
    default:
      return status.conditions
  }
}

const replacing = (conditions: readonly Condition[], by: Condition): readonly Condition[] =>
  conditions.map((c) => (c.type === by.type ? by : c))

const withCondition = (conditions: readonly Condition[], one: Condition): readonly Condition[] =>
  conditions.some((c) => c.type === one.type) ? replacing(conditions, one) : [...conditions, one]

/** Where compile has decided Programmed itself, e.g. Held, the evidence of the relays does not replace that. */
function withEvidence(status: Status, standing: Standing | undefined): readonly Condition[] {
  const { programmed, further = [] } = standing ?? {}
  const conditions = isPending(status) && programmed ? replacing(status.conditions, programmed) : status.conditions
  return [...conditions, ...further]
}

function programmedAs(status: Status, { programmed }: Standing, policy: Name): readonly Condition[] {
  const good = programmed.status === 'True'
  return replacing(status.conditions, {
    type: 'Programmed',
    status: programmed.status,
    reason: good ? 'Programmed' : 'PolicyNotProgrammed',
    message: good ? `the relay of RelayPolicy ${policy} knows it` : `RelayPolicy ${policy}: ${programmed.message}`,
  })
}

/** Reasons of Programmed that only compile gives. They are outdated as soon as compile leaves Programmed to the relays. */
const compiledReasons: ReadonlySet<string> = new Set(['Held', 'NotUsable', 'NoTokenIssuer', 'TokenIssuerUnknown'])

const asBefore = (status: Status, old: readonly Stamped[]): readonly Condition[] => {
  const programmed = old.find((c) => c.type === 'Programmed' && !compiledReasons.has(c.reason))
  return programmed === undefined ? status.conditions : replacing(status.conditions, programmed)
}
