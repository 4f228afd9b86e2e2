/** How `explain` shows what is left of a credential's limits, and what a policy's throttles let pass. */
import type { LimitsConfig, ThrottleConfig } from '../../relay/config.ts'
import { timeText } from '../../relay/rules/time-text.ts'

/** `used`: how many recipients were used today; undefined where that is not known. */
export const limitsLeft = ({ daily, rate }: LimitsConfig, used: number | undefined) => ({
  ...(daily !== undefined && { daily }),
  ...(daily !== undefined && used !== undefined && { remaining: Math.max(0, daily - used) }),
  ...(rate !== undefined && { rate }),
})

export function limitsLine(limits: LimitsConfig, used: number | undefined): string {
  const { daily, remaining, rate } = limitsLeft(limits, used)
  const left = remaining === undefined ? 'how many are left today is not known' : `at most ${remaining} left today`
  const parts = [
    ...(daily === undefined ? [] : [`${daily} recipients a day, ${left}`]),
    ...(rate === undefined ? [] : [`${rate.count} recipients per ${timeText(rate.perMs)}`]),
  ]
  return `  limits ${parts.join('; ')}`
}

/** How much is left of a throttle changes by the second, so that is not shown. */
export function throttleLine({ name, scope, rate, burst, action }: ThrottleConfig): string {
  const many = rate.count === 1 ? 'recipient' : 'recipients'
  const of = `for each ${scope.join(' and ')}, ${burst} at once`
  return `  throttle ${name}: ${rate.count} ${many} per ${timeText(rate.perMs)} ${of}${action === 'Audit' ? ' (Audit)' : ''}`
}
