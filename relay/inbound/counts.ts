/** May so many recipients pass now? Asked of everything that counts them: throttles of the policy, limits of the credential. */
import type { CredentialConfig } from '../config.ts'
import type { Refusal } from '../mail/rule.ts'
import type { Counted } from '../rules/limits.ts'
import { type Count, countsOf, type From } from '../rules/throttles.ts'
import type { Verdict } from '../rules/verdict.ts'
import type { Inbound } from './inbound.ts'

type Counting = Pick<Inbound, 'allowances' | 'inForce'>

/** Whether a message with so many recipients would be refused now, as far as is known before its header; nothing is counted. */
export const peek = (inbound: Counting, credential: CredentialConfig, recipients: number): Refusal | undefined =>
  firstRefusal(inbound, credential, undefined, (counted) => inbound.allowances.peek(counted, recipients))

/** Whether a message that has so many recipients already may have one more: whatever its From is, a burst is as large. */
export const roomFor = (inbound: Counting, credential: CredentialConfig, accepted: number): Refusal | undefined =>
  firstRefusal(inbound, credential, anyFrom, (counted) => inbound.allowances.room(counted, accepted))

const anyFrom: From = { senderDomain: '' }

function firstRefusal(
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

/** `giveBack`: the message was not kept after all. */
export type Taken = Verdict & { readonly giveBack: () => void }

/** Nothing limits most credentials: nobody waits for them, and there is nothing to give back. */
const uncounted: Taken = { audited: [], giveBack: () => undefined }

/** Counts all recipients everywhere, or nowhere and says why. What Audit would have refused is not counted there. */
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
  const taken: Counted[] = []
  const audited: Refusal[] = []
  const giveBack = (): void => {
    for (const counted of taken) allowances.giveBack(counted, recipients)
  }
  for (const { counted, action } of counts) {
    const refusal = await allowances.take(counted, recipients)
    if (refusal === undefined) taken.push(counted)
    else if (action === 'Audit') audited.push(refusal)
    else {
      giveBack()
      return { refusal, audited, giveBack: () => undefined }
    }
  }
  // Whoever is killed would hand it out twice.
  await allowances.written
  return { audited, giveBack }
}
