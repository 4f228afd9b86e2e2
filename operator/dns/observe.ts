/** Takes one look at a domain's records: asks servers what the judges still need to know, until all records are judged. */
import { type Answer, questionKey, type View } from '../lifecycle/answer.ts'
import { aboveMark } from '../lifecycle/delegated-selectors.ts'
import { type DomainRecords, domainRecords } from '../lifecycle/domain-records.ts'
import type { Wanted } from '../lifecycle/records-wanted.ts'
import type { Ask } from './ask.ts'
import type { Server } from './server.ts'
import { type Witness, witnessesOf } from './views.ts'

export type Looked = {
  readonly domain: string
  readonly wanted: readonly Wanted[]
  readonly resolvers: readonly Server[]
  readonly before: DomainRecords | undefined
  /** The names of DKIM records that nobody has seen yet. */
  readonly awaited?: ReadonlySet<string>
}

export type Looking = {
  readonly ask: Ask
  readonly now: () => number
  /** In [0, 1). */
  readonly dice: () => number
  /** When it aborts, no server is asked any more, and open questions count as unknown. */
  readonly signal: AbortSignal
}

/** More rounds than ten SPF look-ups with all their exchangers and addresses need; a record that needs more is broken. */
const mostRounds = 64

/** Never rejects. */
export async function observe(
  { domain, wanted, resolvers, before, awaited }: Looked,
  { ask, now, dice, signal }: Looking,
): Promise<DomainRecords> {
  const sights = (await witnessesOf(zonesOf(domain, wanted), resolvers, ask, dice)).map(sightOf)
  const views = sights.length === 0 ? [blind] : sights.map(({ view }) => view)
  for (let round = 0; ; round += 1) {
    const standing = domainRecords(wanted, views, before, now(), awaited)
    if (standing.is === 'found') return standing
    const asks = [
      ...new Map(
        standing.asks.map((one) => [`${one.view.zone} ${one.view.server} ${questionKey(one.question)}`, one]),
      ).values(),
    ]
    await Promise.all(
      asks.map(async ({ view, question }) => {
        const sight = sights.find((one) => one.view === view)
        const answer = round < mostRounds && !signal.aborted ? await sight?.witness.ask(question) : undefined
        sight?.answers.set(questionKey(question), answer ?? { is: 'unknown', why: 'too much has to be looked up' })
      }),
    )
  }
}

/** The domain, and the target zones of delegated selectors, whose records are in other zones. */
const zonesOf = (domain: string, wanted: readonly Wanted[]): readonly string[] => [
  ...new Set([domain, ...wanted.map((one) => (one.type === 'CNAME' ? one.target : one.name)).flatMap(aboveMark)]),
]

type Sight = { readonly witness: Witness; readonly view: View; readonly answers: Map<string, Answer> }

function sightOf(witness: Witness): Sight {
  const answers = new Map<string, Answer>()
  const { server, authoritative, zone } = witness
  const lookup: View['lookup'] = (question) => answers.get(questionKey(question))
  return { witness, answers, view: { server, authoritative, ...(zone !== undefined && { zone }), lookup } }
}

const blind: View = {
  server: 'no resolver',
  authoritative: false,
  lookup: () => ({ is: 'unknown', why: 'this machine has none; give spec.dns.resolvers' }),
}
