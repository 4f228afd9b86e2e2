/** The condition Degraded of a policy: whether mail flows as it should, as the relays themselves report it. Pure. */
import type { RelayStatus, SmarthostStatus } from '../relay/http.ts'
import type { Condition } from './compile/compiled.ts'
import { few } from './few.ts'

/** The part of one relay's report that matters here. */
export type Reporting = {
  /** What the relay is called in a sentence. */
  readonly name: string
  readonly status: Pick<RelayStatus, 'stale' | 'ready' | 'notReady' | 'queue' | 'limitStore'> & {
    readonly smarthosts: readonly Pick<SmarthostStatus, 'route' | 'name' | 'health'>[]
  }
}

type Complaint = {
  readonly reason: string
  /** Whether this relay is concerned. `relays` are all of the fleet, `maxAgeMs` is spec.queue.maxAge. */
  readonly holds: (relay: Reporting, maxAgeMs: number, relays: readonly Reporting[]) => boolean
  readonly message: (relays: readonly Reporting[], log: string) => string
}

const names = (relays: readonly Reporting[]): string =>
  few(
    relays.map(({ name }) => name),
    ', ',
  )

/**
 * The smarthosts that every relay which has tried them has left out. If only one has, the trouble may be its own, of its node
 * or its network; a relay that has not tried a smarthost knows nothing of it.
 */
function ejectedByAll(relays: readonly Reporting[]): readonly string[] {
  const tried = relays.flatMap(({ status }) => status.smarthosts).filter(({ health }) => health !== 'unproven')
  return [...Map.groupBy(tried, ({ route, name }) => `${route}/${name}`)].flatMap(([smarthost, all]) =>
    all.every(({ health }) => health === 'ejected') ? [smarthost] : [],
  )
}

/**
 * The worst first. No message has a figure that grows by itself, e.g. an age: each new figure would write the status again
 * without telling anything new.
 */
const complaints: readonly Complaint[] = [
  {
    reason: 'NotReady',
    holds: ({ status }) => !status.ready,
    message: (relays) =>
      few(relays.map(({ name, status }) => `${name} takes no mail now: ${status.notReady.join('; ')}`)),
  },
  {
    reason: 'StaleFiles',
    holds: ({ status }) => status.stale.length > 0,
    message: (relays) => {
      const files = [...new Set(relays.flatMap(({ status }) => status.stale))].toSorted()
      return `${few(files, ', ')} can not be used, so the last good content is in force; correct the Secret or ConfigMap that it comes from`
    },
  },
  {
    reason: 'SmarthostEjected',
    holds: (_relay, _maxAgeMs, relays) => ejectedByAll(relays).length > 0,
    message: (relays, log) =>
      `${few(ejectedByAll(relays), ', ')} (route/smarthost): every relay that has tried it has left it out, and it has carried no mail since; ` +
      `others of the route take over, or mail waits; what it replies is in ${log}`,
  },
  {
    reason: 'QueueOld',
    holds: ({ status }, maxAgeMs) => status.queue.oldestSeconds * 1000 > maxAgeMs,
    message: (relays, log) =>
      `mail waits at ${names(relays)} for longer than spec.queue.maxAge; what the next hop replies is in ${log}`,
  },
  {
    reason: 'LimitStoreAway',
    holds: ({ status }) => status.limitStore?.state === 'Away',
    message: (relays) => {
      const why = relays.flatMap(({ status: { limitStore } }) => (limitStore?.state === 'Away' ? [limitStore.why] : []))
      return (
        `the store of spec.limitStore does not answer ${names(relays)} (${few([...new Set(why)].toSorted())}), so limits are ` +
        'kept by a share for each relay: mail flows, and a credential may be refused early, or a little late'
      )
    },
  },
]

/** Undefined where no relay reports anything. `log`: where a person finds details, for the message. */
export function degradedBy(relays: readonly Reporting[], maxAgeMs: number, log: string): Condition | undefined {
  if (relays.length === 0) return undefined
  for (const { reason, holds, message } of complaints) {
    const concerned = relays.filter((relay) => holds(relay, maxAgeMs, relays))
    if (concerned.length > 0) return { type: 'Degraded', status: 'True', reason, message: message(concerned, log) }
  }
  return { type: 'Degraded', status: 'False', reason: 'AsExpected', message: 'mail flows as expected' }
}
