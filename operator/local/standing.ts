/** The conditions of a local fleet, by what its relay reports. Pure. */
import type { RelayStatus } from '../../relay/http.ts'
import { type Certificates, certificateValidBy } from '../certificate-valid.ts'
import { degradedBy } from '../degraded.ts'
import { type SpoolRecord, spoolReset } from '../spools.ts'
import type { Standing } from '../standing.ts'

export type Evidence = {
  /** Why the newest configuration could not be written. */
  readonly trouble: string | undefined
  /** Whether the policy asks for no relay (spec.replicas is 0). */
  readonly stopped: boolean
  /** The hash of the configuration on disk; undefined where there is none. */
  readonly hash: string | undefined
  readonly maxAgeMs: number
  /** How the relay last ended without being asked to, if it did. */
  readonly failure: string | undefined
  /** What the relay reports, if it answers. */
  readonly status: RelayStatus | undefined
  /** Which spool the relay had, and which it has instead. */
  readonly spools: readonly SpoolRecord[]
  /** The folder of its spool. */
  readonly spool: string
  /** The file of the relay's log, for messages. */
  readonly log: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

export function standingOf(evidence: Evidence): Standing {
  const { status, maxAgeMs, log, spools, spool } = evidence
  const relays = status === undefined ? [] : [{ name: 'the relay', status }]
  const further = [
    certificateValidBy(certificatesOf(evidence)),
    spoolReset(spools, () => spool),
    degradedBy(relays, maxAgeMs, log),
  ]
  return {
    ...programming(evidence),
    further: further.filter((c) => c !== undefined),
    fields: {
      ...(status === undefined ? { replicas: 0 } : { replicas: 1, configHash: status.hash }),
      ...(spools.length > 0 && { spools }),
    },
  }
}

const certificatesOf = ({ status, now }: Evidence): Certificates => ({
  reported: (status?.certificates ?? []).map(({ listener, notBefore, notAfter }) => ({
    listener,
    beginsAt: Date.parse(notBefore),
    endsAt: Date.parse(notAfter),
  })),
  now,
})

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
  // Each relay of two policies that exchange their ports stays at its old one, and keeps the other from it.
  [
    /EADDRINUSE/,
    'another program has the port: stop it, or choose another spec.listeners[].port; policies that exchange ports need a third one on the way',
  ],
  [/listen EACCES/, 'this user may not bind the port: choose a spec.listeners[].port of 1024 or more'],
  [/EACCES/, 'give this user the right to read and write there'],
]

function refusedText(why: string): string {
  const mend = mends.find(([pattern]) => pattern.test(why))?.[1]
  return `the relay can not use the configuration: ${why}${mend === undefined ? '' : `; ${mend}`}`
}
