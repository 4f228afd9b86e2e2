/** The history of a run under faults, and what it proves: nothing that was acknowledged is lost, nothing was made up. */

/** What the client side knows of one message. */
export type Sent = {
  readonly digest: string
  /** Whether the client saw the 250 after the final dot. */
  readonly acknowledged: boolean
  /** Recipients that the receiver will take. */
  readonly deliverable: readonly string[]
  /** Recipients that the receiver refuses for good: a DSN to the reverse-path has to report them. */
  readonly undeliverable: readonly string[]
  /** As its client was told; absent where it was not. */
  readonly queueId?: string
}

/** What the receiver saw; a DSN arrives with the null reverse-path and carries the id of the message it reports. */
export type Seen = {
  readonly id: string
  readonly digest: string
  readonly reversePath: string
  readonly forwardPaths: readonly string[]
}

export type Verdict = {
  readonly acknowledged: number
  readonly delivered: number
  readonly reported: number
  /** `id recipient`: acknowledged, and neither delivered nor reported. The one number that must be 0. */
  readonly lost: readonly string[]
  /** Arrivals that nobody sent to that recipient. */
  readonly invented: readonly string[]
  /** Arrivals whose bytes are not those that were sent. */
  readonly damaged: readonly string[]
  /** Arrivals of one message at one recipient beyond the first. */
  readonly duplicates: number
  readonly duplicateReports: number
  /** Delivered though the client saw no 250: allowed, it can not know (RFC 1047). */
  readonly unacknowledgedDelivered: number
}

export function check(sent: ReadonlyMap<string, Sent>, seen: readonly Seen[]): Verdict {
  const reports = seen.filter((s) => s.reversePath === '')
  const arrivals = seen
    .filter((s) => s.reversePath !== '')
    .flatMap((s) => s.forwardPaths.map((forwardPath) => ({ ...s, key: `${s.id} ${forwardPath}` })))
  const delivered = counted(arrivals.map((a) => a.key))
  const reported = counted(reports.map((r) => r.id))
  const acknowledged = [...sent].filter(([, s]) => s.acknowledged)
  return {
    acknowledged: acknowledged.length,
    delivered: delivered.size,
    reported: reported.size,
    lost: acknowledged.flatMap(([id, s]) => [
      ...s.deliverable.map((path) => `${id} ${path}`).filter((key) => !delivered.has(key)),
      ...(s.undeliverable.length > 0 && !reported.has(id) ? [`${id} (no DSN)`] : []),
    ]),
    invented: [
      ...arrivals.filter((a) => !wasSent(sent.get(a.id), a.forwardPaths)).map((a) => a.key),
      ...reports.filter((r) => (sent.get(r.id)?.undeliverable.length ?? 0) === 0).map((r) => `${r.id} (DSN)`),
    ],
    damaged: arrivals.filter((a) => sent.get(a.id)?.digest !== a.digest).map((a) => a.key),
    duplicates: beyondFirst(delivered),
    duplicateReports: beyondFirst(reported),
    unacknowledgedDelivered: new Set(arrivals.map((a) => a.id).filter((id) => sent.get(id)?.acknowledged === false))
      .size,
  }
}

const wasSent = (sent: Sent | undefined, forwardPaths: readonly string[]): boolean =>
  sent !== undefined && forwardPaths.every((path) => sent.deliverable.includes(path))

/** How often each of them is there. */
export function counted(keys: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}

const beyondFirst = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((sum, n) => sum + n - 1, 0)
