/** What a report tells people: what became of each recipient, and what to do. Pure. */
import { asSaid } from '../mail/reply.ts'
import type { Failure, HandedOn, Report } from './dsn.ts'
import { adviceFor } from './dsn-advice.ts'
import { readable } from './dsn-status.ts'

/** `isWhole`: all of the message comes back, and not its header alone. */
export function explanation({ hostname, original, failures, handedOn = [] }: Report, isWhole: boolean): string {
  const accepted = new Date(original.acceptedAt).toUTCString()
  return [
    `This is the mail relay ${hostname}.`,
    '',
    `Your message of ${accepted} (queue id ${original.queueId})`,
    ...couldNot(failures),
    ...(failures.length > 0 && handedOn.length > 0 ? ['', 'The same message'] : []),
    ...wasHandedOn(handedOn),
    '',
    'Other recipients, if there were any, are not concerned.',
    `The ${isWhole ? 'whole' : 'header'} of your message is attached.`,
    '',
  ].join('\r\n')
}

const couldNot = (failures: readonly Failure[]): readonly string[] =>
  failures.length === 0
    ? []
    : [
        failures.length === 1
          ? 'could not be delivered to:'
          : `could not be delivered to ${failures.length} recipients:`,
        ...failures.flatMap((failure) => ['', ...explain(failure)]),
      ]

/** The next hop answers for the message, and tells nobody where that ends (RFC 3461 section 5.2.2). */
const wasHandedOn = (taken: readonly HandedOn[]): readonly string[] =>
  taken.length === 0
    ? []
    : [
        'was taken by a host that sends no reports of success, so that you will hear no more of it unless it fails, for:',
        ...taken.flatMap(({ forwardPath, smarthost, taken }) => [
          '',
          `  <${readable(forwardPath)}>`,
          ...(smarthost === undefined ? [] : [`  It was taken at ${placeOf(smarthost)}:`, `    ${asSaid(taken)}`]),
        ]),
      ]

function explain({ forwardPath, givenUp, attempts, ambiguous, smarthost }: Failure): readonly string[] {
  const { because, reply, last } = givenUp
  const at = smarthost === undefined ? 'this relay' : placeOf(smarthost)
  const tried = attempts === 1 ? 'once' : `${attempts} times`
  const unasked =
    attempts === 0
      ? 'Its time was over while no attempt could be made:'
      : `It was tried ${tried}, and its time was over while no other attempt could be made:`
  const expired =
    smarthost === undefined ? unasked : `It was tried ${tried} until its time was over; the last time at ${at}:`
  const why = because === 'refused' ? `It was refused at ${at}:` : expired
  const copies =
    ambiguous === 0
      ? []
      : [`  ${ambiguous} of the attempts ended without an answer: a copy may have arrived all the same.`]
  return [`  <${readable(forwardPath)}>`, `  ${why}`, `    ${asSaid(last)}`, ...copies, `  ${adviceFor(reply.status)}`]
}

const placeOf = ({ name, host, port }: NonNullable<Failure['smarthost']>): string =>
  name === undefined ? `exchanger ${host}` : `smarthost ${name} (${host}:${port})`
