/** Tells what became of each recipient of an ordeal, by what the hops took, the DSNs, and the relay's own log. */
import type { Taken } from './fickle-hop.ts'
import { check, counted, type Sent, type Verdict } from './history.ts'

export type Fates = Verdict & {
  /** Recipients that were given up, but are in no DSN; each as `id recipient`. */
  readonly unreported: readonly string[]
  /** Recipients that a DSN reports although they got the message and every attempt was answered; each as `id recipient`. */
  readonly wronglyReported: readonly string[]
  /** More copies arrived than the relay's log says there may be; each as `id recipient: number`. */
  readonly untold: readonly string[]
  /** How many messages a hop took without answering so. */
  readonly unsaid: number
  /** Error lines of the log that no fault of the run explains. */
  readonly errors: readonly string[]
}

/** Errors that the ordeal itself brings about: a full disk, and a configuration that was read while it was written. */
const explained = /ENOSPC|disk full|is no JSON/

/** Recipients of messages, each as `id recipient`. */
type Keys = ReadonlySet<string>

export function fatesIn(sent: ReadonlyMap<string, Sent>, taken: readonly Taken[], log: readonly string[]): Fates {
  const copies = copiesTold(log)
  const mayBeTwice = (id: string, path: string): number => copies(sent.get(id)?.queueId, path)
  const reported = new Set(keysOf(taken.filter(isReport).map((t) => ({ ...t, forwardPaths: reportedIn(t) }))))
  const arrivals = taken.filter((t) => !isReport(t))
  const arrived = new Set(keysOf(arrivals))
  const fates = new Map([...sent].map(([id, s]) => [id, withExpired(id, s, reported, arrived)]))
  const verdict = check(fates, taken)
  const [acknowledged, all] = [[...fates].filter(([, s]) => s.acknowledged), [...fates]]
  const wrong = all.flatMap(([id, s]) =>
    s.deliverable.filter((path) => reported.has(`${id} ${path}`)).map((path) => ({ id, path })),
  )
  const doubtful = new Set(wrong.filter(({ id, path }) => mayBeTwice(id, path) > 0).map(({ id }) => id))
  return {
    ...verdict,
    invented: verdict.invented.filter((key) => !(key.endsWith(' (DSN)') && doubtful.has(key.split(' ', 1)[0] ?? ''))),
    unreported: acknowledged.flatMap(([id, s]) =>
      s.undeliverable.map((path) => `${id} ${path}`).filter((key) => !reported.has(key)),
    ),
    wronglyReported: wrong.filter(({ id, path }) => mayBeTwice(id, path) === 0).map(({ id, path }) => `${id} ${path}`),
    untold: [...counted(keysOf(arrivals))].flatMap(([key, number]) => {
      const [id = '', path = ''] = key.split(' ')
      return number - 1 > mayBeTwice(id, path) ? [`${key}: ${number}`] : []
    }),
    unsaid: taken.filter(({ said }) => !said).length,
    errors: log.filter((line) => /"level":(50|60)/.test(line) && !explained.test(line)),
  }
}

/** Counts deliverable recipients that are in a DSN and did not arrive as undeliverable: their messages expired. */
function withExpired(id: string, sent: Sent, reported: Keys, arrived: Keys): Sent {
  const isGone = (path: string): boolean => reported.has(`${id} ${path}`) && !arrived.has(`${id} ${path}`)
  const [gone, kept] = [sent.deliverable.filter(isGone), sent.deliverable.filter((path) => !isGone(path))]
  return { ...sent, deliverable: kept, undeliverable: [...sent.undeliverable, ...gone] }
}

const isReport = ({ reversePath }: Taken): boolean => reversePath === ''

/** The failed recipients in a DSN, which has one group of fields for each (RFC 3464 section 2.3). */
const reportedIn = ({ content }: Taken): readonly string[] =>
  content
    .split('\r\n\r\n')
    .filter((group) => /^Action: failed\r?$/im.test(group))
    .flatMap((group) => /^Final-Recipient: rfc822; *(\S+)/im.exec(group)?.[1] ?? [])

type Arrivals = readonly Pick<Taken, 'id' | 'forwardPaths'>[]

const keysOf = (taken: Arrivals): readonly string[] =>
  taken.flatMap(({ id, forwardPaths }) => forwardPaths.map((path) => `${id} ${path}`))

/**
 * How many copies beyond the first the relay's log says there may be: one for each attempt that got no answer, and one for each
 * that a kill cut off. If the client was told no queue id, nobody can find these lines, and any number is right.
 */
function copiesTold(log: readonly string[]): (queueId: string | undefined, path: string) => number {
  const told = new Map<string, number>()
  for (const line of log) {
    if (!/"outcome":"ambiguous"|"msg":"may arrive twice/.test(line)) continue
    const { queueId, forwardPath = '' } = JSON.parse(line) as { queueId: string; forwardPath?: string }
    const key = `${queueId} ${forwardPath}`
    told.set(key, (told.get(key) ?? 0) + 1)
  }
  const at = (key: string): number => told.get(key) ?? 0
  return (queueId, path) =>
    queueId === undefined ? Number.POSITIVE_INFINITY : at(`${queueId} `) + at(`${queueId} ${path}`)
}
