/** Whether each domain's records are as they have to be, by its conditions, for as many domains as a metric may name. Pure. */
import type { Condition } from '../compile/compiled.ts'
import { notSigned } from '../compile/not-signed.ts'
import { isOf, nameIn } from '../compile/snapshot.ts'
import type { DeclaredObject } from './watch/declared.ts'
import { standingStatus } from './watch/standing-status.ts'

export type RecordOk = {
  readonly record: 'SPF' | 'DKIM' | 'DMARC'
  /** namespace/name of the SenderDomain; `other`: all that are not named. */
  readonly domain: string
  readonly ok: boolean
}

const types = { SPF: 'SPFValid', DKIM: 'DKIMValid', DMARC: 'DMARCValid' } as const
const purposes = Object.keys(types) as RecordOk['record'][]
/** Of each kind of record. */
const mostNamed = 200

/** Those that are not in order are named first; a record of which nothing is known is left out. */
export function recordsOk(declared: readonly DeclaredObject[], most = mostNamed): readonly RecordOk[] {
  const domains = declared.filter(({ ref }) => isOf(ref, 'SenderDomain'))
  return purposes.flatMap((record) => {
    const known = domains.flatMap(({ ref, status }): readonly RecordOk[] => {
      const is = statusIn(status, types[record])
      return is === 'Unknown' ? [] : [{ record, domain: nameIn(ref), ok: is === 'True' }]
    })
    const inOrder = known.toSorted((a, b) => Number(a.ok) - Number(b.ok) || (a.domain < b.domain ? -1 : 1))
    const rest = inOrder.slice(most)
    const other = rest.length === 0 ? [] : [{ record, domain: 'other', ok: rest.every(({ ok }) => ok) }]
    return [...inOrder.slice(0, most), ...other]
  })
}

function statusIn(status: DeclaredObject['status'], type: string): Condition['status'] {
  const found = standingStatus(status).conditions.find((c) => c.type === type)
  // Where nothing is to be signed there is no record that could be wrong.
  return found === undefined || found.reason === notSigned ? 'Unknown' : found.status
}
