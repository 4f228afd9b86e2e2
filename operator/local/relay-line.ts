/** Shortens one line of a relay's log for a person at a terminal. Pure. */
import { type Fields, fieldsIn } from './log-line.ts'
import { showCommand } from './relay-command.ts'

export type RelayLine = { readonly level: 'info' | 'warn' | 'error'; readonly text: string }

const shown = (value: unknown): string => {
  if (Array.isArray(value)) return value.map(shown).join(', ')
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}
const counted = (value: unknown, what: string): string => {
  const n = Array.isArray(value) ? value.length : 0
  return `${n} ${what}${n === 1 ? '' : 's'}`
}
const replyOf = (f: Fields): string => `${shown(f['code'])} ${shown(f['status'])} ${shown(f['text'])}`

/** The log messages that are worth a line on a terminal, and how each is shown; all others are only in relay.log. */
const tellings: Readonly<Record<string, (f: Fields, root: string) => string>> = {
  listening: (f) => `listening on ${shown(f['address'])}:${shown(f['port'])} (${shown(f['listener'])})`,
  'stopped listening': (f) => `stopped listening (${shown(f['listener'])})`,
  accepted: (f) =>
    `accepted ${shown(f['queueId'])} from ${shown(f['credential'])} for ${counted(f['forwardPaths'], 'recipient')}`,
  refused: (f) => `refused ${from(f)} at ${shown(f['stage'])}: ${replyOf(f)}`,
  'would be refused': (f) => `Audit: would refuse ${from(f)} at ${shown(f['stage'])} (${shown(f['rule'])})`,
  'authentication failed': (f) =>
    `login failed from ${shown(f['client'])}${as(f)}: ${shown(f['reason'])} (${shown(f['rule'])})`,
  'client locked out': (f) =>
    `locked out ${shown(f['client'])} for ${seconds(f['forMs'])} after too many failed logins`,
  captured: (f, root) => `captured ${shown(f['queueId'])}; see it with: ${showCommand(shown(f['queueId']), root)}`,
  'delivery attempted': (f) => `${attempted(shown(f['outcome']))} ${shown(f['queueId'])} by ${hopOf(f)}: ${replyOf(f)}`,
  'smarthost left out': (f) =>
    `smarthost ${shown(f['smarthost'])} (${shown(f['host'])}) is left out for ${seconds(f['forMs'])}: ${shown(f['reply'])}`,
  deferred: (f) => `will try ${shown(f['queueId'])} again at ${shown(f['nextAttemptAt'])}`,
  bounced: (f) => `bounced ${shown(f['queueId'])} (${shown(f['kind'])}): ${shown(f['reply'])}`,
  stopping: () => 'stopping: finishes what is in flight',
}
const seconds = (ms: unknown): string => `${Math.ceil(Number(ms) / 1000)} s`
/** Not `bounced`: this smarthost has refused the recipient, and the line after this one says whether it is given up. */
const attempted = (outcome: string): string => (outcome === 'bounced' ? 'refused' : outcome)
/** All exchangers are called `mx` in the log, so they are shown by their hosts. */
const hopOf = (f: Fields): string => (f['smarthost'] === 'mx' ? `exchanger ${shown(f['host'])}` : shown(f['smarthost']))
const as = (f: Fields): string => (f['credential'] === undefined ? '' : ` as ${shown(f['credential'])}`)
const from = (f: Fields): string => shown(f['credential']) || shown(f['client'])

/** Undefined where a person at a terminal need not see the line. `root` is the state folder. */
export function tellLine(line: string, root: string): RelayLine | undefined {
  const fields = fieldsIn(line)
  if (fields === undefined) return line.trim() === '' ? undefined : { level: 'error', text: line }
  const message = shown(fields['msg'])
  const level = levelOf(Number(fields['level']))
  const telling = tellings[message]
  if (telling !== undefined) return { level, text: telling(fields, root) }
  if (level === 'info') return undefined
  return { level, text: [message, why(fields)].filter((t) => t !== '').join(': ') }
}

/** The fields that are shown of a line that is not among `tellings`. */
const details = [
  'queueId',
  'credential',
  'domain',
  'selector',
  'problem',
  'records',
  'store',
  'lines',
  'where',
  'file',
  'data',
  'what',
  'why',
]

const why = (f: Fields): string => {
  const error = f['err']
  const nested = typeof error === 'object' && error !== null ? shown((error as Fields)['message']) : ''
  return [...details.map((name) => shown(f[name])), nested].filter((t) => t !== '').join(' ')
}

const levelOf = (level: number): RelayLine['level'] => (level >= 50 ? 'error' : level >= 40 ? 'warn' : 'info')
