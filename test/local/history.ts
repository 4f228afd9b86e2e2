/** The history of a run under faults, and its verdict: that nothing that was acknowledged is lost, and nothing is made up. */

/** What the client side knows of one message. */
export type Sent = {
  readonly digest: string
  /** Whether the client saw the 250 after the final dot. */
  readonly acknowledged: boolean
  /** Recipients that the receiver accepts. */
  readonly deliverable: readonly string[]
  /** Recipients that the receiver refuses for good, which a DSN to the reverse-path has to report. */
  readonly undeliverable: readonly string[]
  /** The queue id in the reply to the client; absent if it got none. */
  readonly queueId?: string
}

/** A message that the receiver got. A DSN has the null reverse-path, and the id of the message that it reports. */
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
  /** Acknowledged, and neither delivered nor reported; each as `id recipient`. Must be empty. */
  readonly lost: readonly string[]
  /** Arrivals at recipients that the message was not for or that refuse it, and DSNs on messages with nothing to report. */
  readonly invented: readonly string[]
  /** Arrivals whose octets are not those that were sent. */
  readonly damaged: readonly string[]
  /** How many arrivals of a message at a recipient there were beyond the first. */
  readonly duplicates: number
  readonly duplicateReports: number
  /** How many messages were delivered though the client saw no 250. That is allowed: SMTP can not avoid it (RFC 1047). */
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

/** How often each key occurs. */
export function counted(keys: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}

const beyondFirst = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((sum, n) => sum + n - 1, 0)
