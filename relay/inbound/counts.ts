/** May so many recipients pass now? Asked of all that counts them: the policy's throttles, and the credential's own limits. */
import type { CredentialConfig } from '../config.ts'
import type { Refusal } from '../mail/rule.ts'
import type { Counted } from '../rules/limits.ts'
import { type Count, countsOf, type From } from '../rules/throttles.ts'
import type { Verdict } from '../rules/verdict.ts'
import type { Inbound } from './inbound.ts'

type Counting = Pick<Inbound, 'allowances' | 'inForce'>

/** The refusal that a message with so many recipients would get now, as far as that is known before its header; counts nothing. */
export const peek = (inbound: Counting, credential: CredentialConfig, recipients: number): Refusal | undefined =>
  firstExceeded(inbound, credential, undefined, (counted) => inbound.allowances.peek(counted, recipients))

/** The refusal for one more recipient of a message that has `accepted` already; counts nothing. A burst is as large for any From. */
export const roomFor = (inbound: Counting, credential: CredentialConfig, accepted: number): Refusal | undefined =>
  firstExceeded(inbound, credential, anyFrom, (counted) => inbound.allowances.room(counted, accepted))

const anyFrom: From = { senderDomain: '' }

function firstExceeded(
  { inForce }: Counting,
  credential: CredentialConfig,
  from: From | undefined,
  refusalBy: (counted: Counted) => Refusal | undefined,
): Refusal | undefined {
  for (const { counted, action } of countsOf(inForce().config, credential, from)) {
    const refused = action === 'Reject' ? refusalBy(counted) : undefined
    if (refused) return refused
  }
  return undefined
}

/** `giveBack` is to be called when the message is not kept after all: what was counted for it is counted back. */
export type Taken = Verdict & { readonly giveBack: () => void }

/** For a credential that nothing limits, as most are: nothing to wait for, and nothing to give back. */
const uncounted: Taken = { audited: [], giveBack: () => undefined }

/**
 * Counts all recipients with each throttle and limit, or with none and says why. A throttle in Audit that would refuse them lets them
 * pass uncounted, and is told in `audited`.
 */
export function count(
  inbound: Counting,
  credential: CredentialConfig,
  from: From,
  recipients: number,
): Taken | Promise<Taken> {
  const counts = countsOf(inbound.inForce().config, credential, from)
  return counts.length === 0 ? uncounted : countBy(counts, inbound.allowances, recipients)
}

async function countBy(
  counts: readonly Count[],
  allowances: Counting['allowances'],
  recipients: number,
): Promise<Taken> {
  const taken: { readonly counted: Counted; readonly day: number }[] = []
  const audited: Refusal[] = []
  const giveBack = (): void => {
    for (const { counted, day } of taken) allowances.giveBack(counted, recipients, day)
  }
  for (const { counted, action } of counts) {
    const refusal = await allowances.take(counted, recipients)
    if (refusal === undefined) taken.push({ counted, day: allowances.dayOf(counted) })
    else if (action === 'Audit') audited.push(refusal)
    else {
      giveBack()
      return { refusal, audited, giveBack: () => undefined }
    }
  }
  // A relay that was killed before its file knows of this would hand it out again after its restart.
  await allowances.written
  return { audited, giveBack }
}
