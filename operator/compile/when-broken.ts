/** What the owner of a domain wants to happen to its mail while its DNS records are broken; the grace in milliseconds. */
import { durationMs } from '../../crds/duration.ts'
import type { SenderDomainSpec } from '../../crds/sender-domain.ts'
import type { WhenBroken } from '../lifecycle/record-conditions.ts'

export const whenBrokenOf = ({ whenBroken }: Pick<SenderDomainSpec, 'whenBroken'>): WhenBroken => ({
  action: whenBroken.action,
  graceMs: durationMs(whenBroken.grace),
})
