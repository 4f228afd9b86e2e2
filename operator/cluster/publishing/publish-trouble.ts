/** Why the records of a domain are not published, as a condition that says what to do about it. Pure. */
import type { Condition } from '../../compile/compiled.ts'
import { ApiError, isConflict, isTransient } from '../api/api-error.ts'
import type { Applied } from '../write/apply.ts'
import { briefly } from '../write/refused.ts'

const trouble = (reason: string, message: string): Condition => ({
  type: 'RecordsPublished',
  status: 'False',
  reason,
  message,
})

export const unavailable = trouble(
  'PublisherUnavailable',
  'this cluster does not know the kind DNSEndpoint, or does not let the operator use it: install external-dns with its CRD ' +
    '(--source=crd), or set spec.dns.publisher to Manual and publish what status.records wants',
)

/** The condition for an error; undefined for one that passes by itself. */
export function refusedTrouble(what: string, error: unknown): Condition | undefined {
  if (!(error instanceof ApiError) || isTransient(error) || isConflict(error)) return undefined
  const said = briefly(error.message)
  return trouble('PublisherRefused', `${what} can not be written: ${said}; mend what is refused, it is tried again`)
}

export function publishTrouble(applied: Applied): Condition | undefined {
  switch (applied.kind) {
    case 'unchanged':
    case 'applied':
    case 'leaving':
      return undefined
    case 'foreign':
      return trouble('PublisherBlocked', `${applied.what} is somebody else's; take it away, or rename one of the two`)
    case 'contested':
      return trouble(
        'PublisherBlocked',
        `${applied.managers.join(', ')} applies ${applied.fields.join(', ')} of ${applied.what}, too; let one of the two do it`,
      )
  }
}
