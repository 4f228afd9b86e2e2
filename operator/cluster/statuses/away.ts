/**
 * Relays that are down and hold mail which they had accepted: since when, and whether for longer than mail may wait. Pure.
 */
import type { Condition } from '../../compile/compiled.ts'
import { few } from '../../few.ts'
import { began } from '../../lifecycle/began.ts'
import { claimName } from '../../manifests/names.ts'
import { mayHoldMail, type SpoolRecord } from '../../spools.ts'
import type { standingStatus } from '../watch/standing-status.ts'
import { type FleetEvidence, lasts } from './fleet-evidence.ts'
import type { AskedPod } from './inquiry.ts'
import { leavers } from './scaling-down.ts'

type Away = FleetEvidence['away']

const reason = 'RelayAway'

/** By pod, since when each relay that may hold mail has had no pod that is ready or answers. */
export function awayNow(before: Away, spools: readonly SpoolRecord[], pods: readonly AskedPod[], now: number): Away {
  const there = pods.filter(({ pod, report }) => !pod.leaving && (pod.ready || report !== undefined))
  const away = mayHoldMail(spools).filter((name) => !there.some(({ pod }) => pod.name === name))
  return new Map(away.map((name) => [name, began(before.get(name), now)]))
}

/**
 * What a new operator knows of it: where the status says so, relays count as away since the epoch; where it does not, none
 * has been away for long.
 */
export const awayBefore = (
  spools: readonly SpoolRecord[],
  { conditions }: Pick<ReturnType<typeof standingStatus>, 'conditions'>,
): Away =>
  conditions.some((c) => c.reason === reason) ? new Map(mayHoldMail(spools).map((name) => [name, 0])) : new Map()

/** A relay that is to leave is not among them: ScalingDown tells of that. */
export function relayAway(evidence: FleetEvidence): Condition | undefined {
  const { away, maxAgeMs, now } = evidence
  const leaving = leavers(evidence).map(({ name }) => name)
  const long = [...away].filter(([name, since]) => !leaving.includes(name) && lasts(since, maxAgeMs, now))
  if (long.length === 0) return undefined
  const names = long.map(([name]) => name)
  const message =
    `${few(names, ', ')} neither takes nor delivers mail, for longer than spec.queue.maxAge: what it had accepted waits on ` +
    `${few(names.map(claimName), ', ')} until its pod runs again; Available says why it does not`
  return { type: 'Degraded', status: 'True', reason, message }
}
