/** Asks DNS servers, for the whole operator: with a bounded rate of questions, and a time limit for each. */
import { byTcp, byUdp, type Exchange } from './exchange.ts'
import { isName, type Query, type Reply } from './message.ts'
import type { Server } from './server.ts'
import { Turnstile } from './turnstile.ts'

/** Asks a server by one of its addresses after the other, until one answers; never rejects. */
export type Ask = (addresses: readonly Server[], query: Query, recursive: boolean) => Promise<Reply>

export type Asking = {
  /** How many questions may leave in a second, to all servers together. */
  readonly perSecond: number
  /** The time limit of one try, in milliseconds. */
  readonly patienceMs?: number
  /** Called with the result of each question that was sent. */
  readonly tell?: (result: QueryResult) => void
}

export type QueryResult = 'answered' | 'absent' | 'unknown'

const ordinaryPatienceMs = 2000
/** A UDP packet may get lost, so a server is asked at least so often. */
const tries = 2

export function openAsking({ perSecond, patienceMs = ordinaryPatienceMs, tell = () => undefined }: Asking): Ask {
  const turnstile = new Turnstile(perSecond)

  async function once(exchange: Exchange, by: typeof byUdp): Promise<Reply | 'truncated'> {
    const reply = await by(exchange)
    if (reply !== 'truncated') tell(results[reply.is])
    return reply
  }

  async function bySome(exchange: Exchange): Promise<Reply> {
    const reply = await once(exchange, byUdp)
    if (reply !== 'truncated') return reply
    const whole = await once(exchange, byTcp)
    return whole === 'truncated' ? { is: 'unknown', why: 'an answer that is cut off' } : whole
  }

  return async (addresses, query, recursive) => {
    if (!isName(query.name)) return { is: 'absent', own: false }
    let last: Reply = { is: 'unknown', why: 'it has no address' }
    for (const server of [...addresses, ...addresses].slice(0, Math.max(tries, addresses.length))) {
      last = await bySome({ server, query, recursive, patienceMs, turn: () => turnstile.pass() })
      if (last.is !== 'unknown') return last
    }
    return last
  }
}

const results = {
  records: 'answered',
  alias: 'answered',
  referral: 'answered',
  absent: 'absent',
  unknown: 'unknown',
} as const
