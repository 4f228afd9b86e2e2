/** What a domain's owner wants to become of its mail while its records are broken. */
import { durationMs } from '../../crds/duration.ts'
import type { SenderDomainSpec } from '../../crds/sender-domain.ts'
import type { WhenBroken } from '../lifecycle/record-conditions.ts'

export const whenBrokenOf = ({ whenBroken }: Pick<SenderDomainSpec, 'whenBroken'>): WhenBroken => ({
  action: whenBroken.action,
  graceMs: durationMs(whenBroken.grace),
})
