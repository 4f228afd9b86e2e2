/** How a fleet stands, by what its relay itself reports: the evidence behind Programmed and Degraded. Pure. */
import type { RelayStatus } from '../../relay/http.ts'
import type { Condition } from '../compile/compiled.ts'

export type Evidence = {
  /** Why the newest configuration could not be written. */
  readonly trouble: string | undefined
  /** The policy asks for no replica. */
  readonly stopped: boolean
  /** The hash of the configuration on disk. */
  readonly hash: string | undefined
  readonly maxAgeMs: number
  /** How the relay ended last, if it did. */
  readonly failure: string | undefined
  /** What the relay reports, if it answers. */
  readonly status: RelayStatus | undefined
  /** Where a person reads on. */
  readonly log: string
}

export type Standing = {
  /** False while the relay may only need a moment more. */
  readonly settled: boolean
  readonly programmed: Condition
  /** Absent where no relay answers. */
  readonly degraded?: Condition
  /** What the relay has in force; absent where no relay answers. */
  readonly hash?: string
}

export function standingOf(evidence: Evidence): Standing {
  const { status } = evidence
  return {
    ...programming(evidence),
    ...(status !== undefined && { degraded: degradation(status, evidence), hash: status.hash }),
  }
}

type Programming = Pick<Standing, 'settled' | 'programmed'>

function programming({ trouble, stopped, hash, failure, status, log }: Evidence): Programming {
  if (trouble !== undefined) return no('NotWritten', `its configuration could not be written: ${trouble}`)
  if (stopped) return no('Stopped', 'spec.replicas is 0, so no relay runs; set it to 1 or more to start one')
  if (hash === undefined) return no('NoConfiguration', 'there is no configuration yet, so no relay runs')
  if (status === undefined && failure !== undefined)
    return no('RelayNotRunning', `${failure}; it is started again after a while; its log is ${log}`)
  if (status === undefined) return notYet('NoAnswer', `the relay does not answer; its log is ${log}`)
  if (status.hash !== hash) return notYet('NotLoaded', `the relay has not loaded the newest configuration; see ${log}`)
  if (status.configError !== undefined) return no('ConfigurationRefused', refusedText(status.configError))
  const message = `listening on ${status.listeners.map((l) => `${l.address}:${l.port} (${l.name})`).join(', ')}`
  return { settled: true, programmed: { type: 'Programmed', status: 'True', reason: 'Programmed', message } }
}

const no = (reason: string, message: string): Programming => ({
  settled: true,
  programmed: { type: 'Programmed', status: 'False', reason, message },
})
const notYet = (reason: string, message: string): Programming => ({ ...no(reason, message), settled: false })

const mends: readonly (readonly [RegExp, string])[] = [
  [/EADDRINUSE/, 'another program has the port: stop it, or choose another spec.listeners[].port'],
  [/EACCES/, 'this user may not bind the port: choose a spec.listeners[].port of 1024 or more'],
]

function refusedText(why: string): string {
  const mend = mends.find(([pattern]) => pattern.test(why))?.[1]
  return `the relay can not use the configuration: ${why}${mend === undefined ? '' : `; ${mend}`}`
}

const staleMend = 'correct the Secret or ConfigMap that it comes from'

function degradation({ stale, ready, notReady, queue }: RelayStatus, { maxAgeMs, log }: Evidence): Condition {
  const complaints: readonly (readonly [boolean, string, string])[] = [
    [!ready, 'NotReady', `the relay takes no mail now: ${notReady.join('; ')}`],
    [
      stale.length > 0,
      'StaleFiles',
      `${stale.join(', ')} can not be used, so the last good content is in force; ${staleMend}`,
    ],
    [queue.oldestSeconds * 1000 > maxAgeMs, 'QueueOld', queueText(queue, log)],
  ]
  const found = complaints.find(([holds]) => holds)
  if (found === undefined) {
    return { type: 'Degraded', status: 'False', reason: 'AsExpected', message: 'mail flows as expected' }
  }
  return { type: 'Degraded', status: 'True', reason: found[1], message: found[2] }
}

// No figure that grows by the second: a status that changes all the time tells nobody anything new.
const queueText = ({ ready, deferred, inFlight }: RelayStatus['queue'], log: string): string =>
  `${ready + deferred + inFlight} messages are queued and the oldest waits for longer than spec.queue.maxAge; ` +
  `what the next hop replies is in ${log}`
