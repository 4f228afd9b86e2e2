/** Whether every relay that takes mail runs the configuration that was compiled: the condition Programmed. Pure. */
import type { Condition } from '../../compile/compiled.ts'
import { few } from '../../few.ts'
import { toTheSecond } from '../../lifecycle/to-the-second.ts'
import type { Standing } from '../../standing.ts'
import { type FleetEvidence, lasts, lateMs, serving, short } from './fleet-evidence.ts'
import type { AskedPod } from './inquiry.ts'
import { whyFewer } from './why-fewer.ts'

/** What may pass by itself is not told before this time. */
export const patienceMs = 1500

type Programmed = Pick<Standing, 'settled' | 'programmed'>
type Check = (evidence: FleetEvidence) => Programmed | undefined

const no = (reason: string, message: string, settled = true): Programmed => ({
  settled,
  programmed: { type: 'Programmed', status: 'False', reason, message },
})

const notWritten: Check = ({ written: { trouble } }) =>
  trouble === undefined ? undefined : no('NotWritten', `it could not be made as it was declared: ${trouble}`)

const leaves: Check = ({ leaving }) =>
  leaving
    ? no('Deleting', 'the policy is being deleted: its relays take no new mail, and deliver what they have first')
    : undefined

const stopped: Check = ({ replicas }) =>
  replicas === 0 ? no('Stopped', 'spec.replicas is 0, so no relay runs; set it to 1 or more to start one') : undefined

/** Not written yet. Where that fails, `notWritten` has told the trouble. */
const unwritten: Check = ({ wanted, written: { hash } }) =>
  wanted !== undefined && hash === wanted ? undefined : { settled: false, programmed: waiting }
const waiting: Condition = {
  type: 'Programmed',
  status: 'Unknown',
  reason: 'Pending',
  message: 'waiting for its configuration to be written',
}

const unseen: Check = ({ knowsPods }) =>
  knowsPods
    ? undefined
    : {
        settled: true,
        programmed: {
          type: 'Programmed',
          status: 'Unknown',
          reason: 'PodsUnread',
          message:
            'its pods could not be listed yet, so nobody can tell how its relays are; see whether the operator may list and ' +
            'watch pods, and what its log says of it',
        },
      }

const noneReady: Check = (evidence) => {
  if (serving(evidence).length > 0) return undefined
  return no(
    'NoRelayReady',
    `no relay is ready: ${few(whyFewer(evidence))}`,
    lasts(evidence.noneReadySince, patienceMs, evidence.now),
  )
}

const isLate = ({ lagsSince }: AskedPod, { now }: FleetEvidence, ms = patienceMs): boolean => lasts(lagsSince, ms, now)

const refused: Check = (evidence) => {
  const refusing = serving(evidence).filter(
    (asked) =>
      asked.report?.configError !== undefined &&
      // While it reports another hash, its error may be about an earlier configuration.
      (asked.report.hash === evidence.wanted || isLate(asked, evidence)),
  )
  if (refusing.length === 0) return undefined
  const words = refusing.map(({ pod, report }) => `${pod.name}: ${report?.configError}`)
  return no('ConfigurationRefused', `the newest configuration can not be used: ${few(words)}`)
}

const lagging: Check = (evidence) => {
  const ready = serving(evidence)
  const late = ready.filter(({ report }) => report?.hash !== evidence.wanted)
  if (late.length === 0) return undefined
  const message =
    `${late.length} of ${ready.length} ready relays do not report the newest configuration, ` +
    `${short(evidence.wanted ?? '')}: ${few(late.map(lagText))}`
  return no(
    lagReason(late, evidence),
    message,
    late.some((asked) => isLate(asked, evidence)),
  )
}

function lagReason(late: readonly AskedPod[], evidence: FleetEvidence): string {
  if (late.some((asked) => isLate(asked, evidence, lateMs))) return 'Lagging'
  return late.every(({ report }) => report === undefined) ? 'NoAnswer' : 'NotLoaded'
}

const lagText = ({ pod, report, lagsSince }: AskedPod): string => {
  const has = report === undefined ? 'does not answer' : `has ${short(report.hash)}`
  return `${pod.name} ${has}${lagsSince === undefined ? '' : `, since ${toTheSecond(lagsSince)}`}`
}

/** Each check finds what is wrong, or nothing; the first one that finds something is told. */
const checks: readonly Check[] = [notWritten, leaves, stopped, unwritten, unseen, noneReady, refused, lagging]

export function programmedBy(evidence: FleetEvidence): Programmed {
  for (const check of checks) {
    const found = check(evidence)
    if (found !== undefined) return found
  }
  const { length } = serving(evidence)
  const message = `all ready relays (${length}) report ${short(evidence.wanted ?? '')}`
  return { settled: true, programmed: { type: 'Programmed', status: 'True', reason: 'Programmed', message } }
}
