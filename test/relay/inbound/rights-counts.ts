/** By what a message is counted (decision 0047): the throttle of the fleet, and then what its credential may send in a day and in a minute. */
import type { Count } from '../limits/ledger-model.ts'
import type { Scene } from './rights-scene.ts'
import type { Name, Pace, Person } from './rights-world.ts'

/** `owner`: the sender domain of the From; undefined, it is not known yet, and nothing is counted by it. */
export function countsOf(
  { rate, throttle }: Pace,
  who: Name,
  { daily }: Person,
  owner: string | undefined,
): readonly Count[] {
  const name = `apps/${who}`
  const subjects = { Credential: name, Namespace: 'apps', SenderDomain: owner }
  const shared = throttle?.scope.map((one) => subjects[one]) ?? [undefined]
  const counts: Count[] = []
  if (throttle && !shared.includes(undefined)) {
    const its = { name: `throttle:shared:${shared.join(':')}`, answer: '450 throttles', daily: undefined } as const
    counts.push({ ...throttle, ...its })
  }
  if (daily !== undefined) {
    const its = { answer: '450 credential.limits.rate', action: 'Reject' } as const
    counts.push({ ...its, name, daily, rate, burst: rate ?? 0 })
  }
  return counts
}

const enforced = (counts: readonly Count[]): readonly Count[] => counts.filter(({ action }) => action === 'Reject')

/** By what MAIL and DATA have to refuse so many recipients, and by what they may: the store is not asked before the message is there. */
export function limitsOf({ ledger, judge }: Scene, relay: number, counts: readonly Count[], recipients: number) {
  return judge === 'share'
    ? { must: enforced(counts).flatMap((count) => ledger.over('share', relay, count, recipients) ?? []), may: [] }
    : { must: [], may: enforced(counts).flatMap((count) => ledger.mayBeOver(relay, count, recipients)) }
}

/** By what RCPT refuses one more recipient, where the message has so many others. */
export const fullBy = ({ ledger, judge }: Scene, relay: number, counts: readonly Count[], others: number) =>
  enforced(counts).flatMap((count) => ledger.full(judge, relay, count, others) ?? [])
