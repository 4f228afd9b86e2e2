/** Prints an explanation: the dialog step by step, the verdict, the rule, where it is declared, and what to do. */
import type { CredentialConfig, RelayConfig } from '../../relay/config.ts'
import { replyLine } from '../../relay/mail/reply.ts'
import { type RuleId, rules } from '../../relay/mail/rule.ts'
import type { Name } from '../compile/snapshot.ts'
import { type Explanation, type Question, type Step, saysSmtpUtf8 } from '../explain.ts'
import type { Directory } from '../local/directory.ts'
import type { WayOut } from '../ways-out.ts'
import { limitsLeft, limitsLine, throttleLine } from './limits-line.ts'
import { placeOf, placeOfRule, printPosition, ruleLines } from './place.ts'
import type { Terminal } from './terminal.ts'

export type Told = {
  /** Undefined for objects of a cluster, whose places are shown as object and field. */
  readonly directory: Directory | undefined
  readonly config: RelayConfig
  readonly credential: CredentialConfig
  readonly question: Question
  readonly explanation: Explanation
  /** What else a person has to know of this answer. */
  readonly notes: readonly string[]
}

export function explanationJson(told: Told) {
  const { directory, config, credential, question, explanation, notes } = told
  const { verdict, steps, refusal, ways } = explanation
  const place = refusal && placeOfRule(refusal.rule, namesOf(told), directory)
  return {
    verdict,
    ...(refusal !== undefined && {
      rule: refusal.rule,
      reply: replyLine(refusal.reply),
      mend: rules[refusal.rule].mend,
      ...(place !== undefined && { object: place.object, field: place.field, ...place.position }),
    }),
    ...(config.throttles !== undefined && { throttles: config.throttles }),
    ...(credential.limits !== undefined && { limits: limitsLeft(credential.limits, question.used) }),
    steps: steps.map(({ stage, says, refusal: refused, audited }) => ({
      stage,
      says,
      ...(refused !== undefined && { rule: refused.rule, reply: replyLine(refused.reply) }),
      audited: audited.map((a) => a.rule),
    })),
    routes: ways,
    ...(explanation.held !== undefined && { held: explanation.held }),
    notes,
  }
}

export function* explanationLines(told: Told, terminal: Terminal): Generator<string> {
  const { explanation, config, question } = told
  for (const step of explanation.steps) yield* stepLines(step, question, terminal)
  yield ''
  if (explanation.refusal === undefined) yield `${terminal.style('good', 'ACCEPTED')}  ${disposition(config)}`
  else yield* refusalLines(explanation.refusal, told, terminal)
  if (explanation.held !== undefined) yield `  ${terminal.style('warn', 'waits')}  ${explanation.held}`
  for (const way of explanation.ways) yield `  to     ${way.forwardPath} by route ${way.route}, ${destination(way)}`
  yield* (config.throttles ?? []).map(throttleLine)
  if (told.credential.limits !== undefined) yield limitsLine(told.credential.limits, question.used)
  for (const note of told.notes) yield `  ${terminal.style('warn', 'note')}   ${note}`
}

const destination = (way: WayOut): string =>
  way.type === 'MX'
    ? `directly to the exchangers (MX) of ${way.domain}`
    : `to ${way.smarthosts.length === 1 ? 'smarthost' : 'smarthosts'} ${way.smarthosts.join(', ')}`

function* stepLines(step: Step, question: Question, terminal: Terminal): Generator<string> {
  const { refusal, audited } = step
  const mark = refusal === undefined ? terminal.style('good', 'ok     ') : terminal.style('bad', 'refused')
  yield `${mark}  ${sayings[step.stage](step, question)}${refusal === undefined ? '' : `  →  ${replyLine(refusal.reply)}`}`
  for (const { rule } of audited) yield `${terminal.style('warn', 'Audit  ')}  Enforce would refuse this (${rule})`
}

const sayings: Record<Step['stage'], (step: Step, question: Question) => string> = {
  connect: (_, { client }) =>
    client === undefined ? 'connect (networks not judged: no --client)' : `connect from ${client}`,
  auth: ({ says }) => `AUTH as ${says}`,
  mail: ({ says }, question) => `MAIL FROM:<${says}>${saysSmtpUtf8(question) ? ' SMTPUTF8' : ''}`,
  rcpt: ({ says }) => `RCPT TO:<${says}>`,
  data: ({ says }) => `DATA, ${says}`,
}

function* refusalLines({ rule, reply }: NonNullable<Explanation['refusal']>, told: Told, terminal: Terminal) {
  const { directory, credential, explanation } = told
  const verdict = explanation.verdict === 'partly' ? 'REFUSED FOR SOME RECIPIENTS' : 'REFUSED'
  yield `${terminal.style('bad', verdict)}  ${replyLine(reply)}`
  yield* ruleLines(rule, namesOf(told), directory)
  if (aboutSenders.has(rule)) yield* senderLines(credential, directory)
}

const namesOf = ({ config, credential, explanation }: Told) => {
  const signingDomain = explanation.steps.at(-1)?.signingDomain
  const its = credential.senders.find(({ domain }) => domain === signingDomain)
  return {
    policy: config.policy as Name,
    credential: credential.name as Name,
    senderDomain: its?.senderDomain as Name | undefined,
  }
}

const aboutSenders: ReadonlySet<RuleId> = new Set(['senderRules.envelopeFrom', 'senderRules.headerFrom'])

/** What the credential may send as: its domains, and the addresses in spec.identities that narrow them. */
function* senderLines(
  { senders, addresses, name }: CredentialConfig,
  directory: Directory | undefined,
): Generator<string> {
  for (const { senderDomain, domain, includeSubdomains, localParts } of senders) {
    const locals = localParts.length === 0 ? 'anything' : localParts.join(', ')
    const place = placeOf(directory, `SenderDomain ${senderDomain}`, 'spec.domain')
    const where = place === undefined ? '' : `, ${printPosition(place)}`
    yield `  may    ${locals}@${domain}${includeSubdomains ? ' and its subdomains' : ''} (SenderDomain ${senderDomain}${where})`
  }
  if (addresses.length === 0) return
  const place = placeOf(directory, `RelayCredential ${name}`, 'spec.identities.addresses')
  yield `  only   ${addresses.join(', ')}${place === undefined ? '' : ` (${printPosition(place)})`}`
}

function disposition({ recipients, policy }: RelayConfig): string {
  switch (recipients.mode) {
    case 'Capture':
      return `and captured: ${policy} sends nothing out (recipients.mode Capture)`
    case 'Redirect':
      return `and redirected to ${recipients.redirectTo ?? 'nobody'} (recipients.mode Redirect)`
    case 'AllowList':
    case 'Unrestricted':
      return `and sent by the routes of ${policy}`
  }
}
