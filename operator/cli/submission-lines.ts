/** Prints how a submission ended: what was refused and by which rule, and what happened to an accepted message. */
import { type RuleId, rules } from '../../relay/mail/rule.ts'
import type { Name } from '../compile/snapshot.ts'
import type { Directory } from '../local/directory.ts'
import type { Fate } from '../local/fate.ts'
import { ruleLines } from './place.ts'
import type { Terminal } from './terminal.ts'

export type Refused = { readonly command: string; readonly reply: string }
type Names = { readonly policy: Name; readonly credential: Name }

export function* refusalLines(
  { command, reply }: Refused,
  names: Names,
  directory: Directory | undefined,
  terminal: Terminal,
): Generator<string> {
  yield `${terminal.style('bad', 'REFUSED')}  at ${command}: ${reply}`
  const rule = ruleIn(reply)
  if (rule !== undefined) yield* ruleLines(rule, names, directory)
}

/** Every refusal of a relay ends with the id of its rule in brackets. */
function ruleIn(reply: string): RuleId | undefined {
  const id = /\(([A-Za-z.]+)\)\s*$/.exec(reply)?.[1] ?? ''
  return Object.hasOwn(rules, id) ? (id as RuleId) : undefined
}

/** Where a person finds more. */
export type FurtherReading = {
  /** About a captured message. */
  readonly captured: (queueId: string) => string
  /** The log in which to follow a message whose fate is not known yet. */
  readonly log: string
}

export function fateLine(fate: Fate, queueId: string, { captured, log }: FurtherReading, terminal: Terminal): string {
  switch (fate.kind) {
    case 'captured':
      return `${terminal.style('good', 'CAPTURED')}  ${captured(queueId)}`
    case 'delivered':
      return `${terminal.style('good', 'DELIVERED')}  the next hop said: ${fate.reply}`
    case 'bounced':
      return `${terminal.style('bad', 'BOUNCED')}  ${fate.reply}`
    case 'deferred':
      return `${terminal.style('warn', 'DEFERRED')}  kept and tried again: ${fate.reply}`
    case 'unknown':
      return `${terminal.style('warn', 'QUEUED')}  nothing more is known yet; follow ${queueId} in ${log}`
  }
}
