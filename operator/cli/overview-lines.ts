/** Prints an overview as one screen: the fleets first, then what is wrong and what to do. */
import { type Name, namespaceOf } from '../compile/snapshot.ts'
import { complaintLine } from './complaint-line.ts'
import {
  type CredentialView,
  type FleetView,
  type KeyView,
  type Overview,
  oldestIn,
  type PodView,
  queuedIn,
  readyIn,
  upToDate,
} from './overview.ts'
import { table } from './table.ts'
import type { Style, Terminal } from './terminal.ts'

/** More lines would be no overview; `-o json` shows all. */
const mostFindings = 20
const mostKeys = 40

export function* overviewLines(overview: Overview, wide: boolean, terminal: Terminal): Generator<string> {
  const { fleets, findings, notes } = overview
  if (fleets.length > 0) yield* fleetLines(fleets, wide, terminal)
  if (wide) yield* podLines(fleets)
  yield* keyLines(overview.credentials.filter(({ keys }) => wide || keys.length > 1))
  if (findings.length > 0) yield ''
  for (const finding of findings.slice(0, mostFindings)) yield complaintLine(finding, terminal)
  if (findings.length > mostFindings) yield `and ${findings.length - mostFindings} more; -o json has them all`
  if (fleets.length > 0 || findings.length > 0) yield ''
  yield totals(overview, terminal)
  for (const note of notes) yield terminal.style('dim', note)
}

type Column = readonly [string, (fleet: FleetView) => string]

const columns: readonly Column[] = [
  ['FLEET', ({ name }) => name],
  ['READY', ({ ready }) => ready.status],
  ['PODS', (fleet) => `${readyIn(fleet)}/${fleet.wanted ?? fleet.pods.length}`],
  ['CONFIGURATION', ({ configHash }) => shortHash(configHash)],
  ['IN FORCE', (fleet) => `${upToDate(fleet)}/${fleet.pods.length}`],
  ['QUEUED', (fleet) => figure(queuedIn(fleet))],
  ['OLDEST', (fleet) => age(oldestIn(fleet))],
]
const wideColumns: readonly Column[] = [
  ['ENVIRONMENT', ({ environment }) => environment ?? '-'],
  ['CREDENTIALS', ({ credentials }) => String(credentials)],
  ['LISTENERS', ({ listeners }) => listeners.map(({ address }) => address).join(',') || '-'],
]

const readiness: Readonly<Record<FleetView['ready']['status'], Style>> = { True: 'good', False: 'bad', Unknown: 'warn' }

function* fleetLines(fleets: readonly FleetView[], wide: boolean, terminal: Terminal): Generator<string> {
  const shown = wide ? [...columns, ...wideColumns] : columns
  const [heading = '', ...rows] = table([
    shown.map(([name]) => name),
    ...fleets.map((f) => shown.map(([, of]) => of(f))),
  ])
  yield terminal.style('strong', heading)
  // Colours are added last, because their escape sequences would count as width.
  for (const [i, row] of rows.entries()) {
    const { status } = fleets[i]?.ready ?? { status: 'Unknown' }
    yield row.replace(new RegExp(`(?<= )${status}(?= )`), (word) => terminal.style(readiness[status], word))
  }
}

function* podLines(fleets: readonly FleetView[]): Generator<string> {
  const pods = fleets.flatMap(({ name, pods }) => pods.map((pod) => podRow(name, pod)))
  if (pods.length === 0) return
  yield ''
  yield* table([['POD', 'READY', 'CONFIGURATION', 'QUEUED', 'OLDEST', 'WHY NOT'], ...pods])
}

const podRow = (fleet: Name, { name, ready, why, configHash, queued, oldestSeconds }: PodView): readonly string[] => [
  `${namespaceOf(fleet)}/${name}`,
  ready ? 'True' : 'False',
  shortHash(configHash),
  figure(queued),
  age(oldestSeconds),
  why ?? '',
]

/** Without `wide`, only credentials with more than one key are given: those that are being rotated. */
function* keyLines(credentials: readonly CredentialView[]): Generator<string> {
  if (credentials.length === 0) return
  const rows = credentials.flatMap(({ name, keys }) => keys.map((key) => keyRow(name, key)))
  yield ''
  yield* table([['CREDENTIAL', 'KEY', 'STATE', 'SINCE', 'LAST USED', 'FROM'], ...rows.slice(0, mostKeys)])
  if (rows.length > mostKeys) yield `and ${rows.length - mostKeys} more; -o json has them all`
}

const keyRow = (name: string, { id, state, createdAt, lastUsedAt, lastUsedFrom }: KeyView): readonly string[] => [
  name,
  id,
  state,
  toTheMinute(createdAt) ?? '?',
  toTheMinute(lastUsedAt) ?? '-',
  lastUsedFrom?.network ?? '-',
]

const toTheMinute = (time: string | undefined): string | undefined => time?.replace(/:\d\d(\.\d+)?Z$/, 'Z')

/** Twelve digits are enough to tell hashes apart. */
const shortHash = (hash: string | undefined): string => hash?.replace(/^sha256:/, '').slice(0, 12) ?? '-'
const figure = (value: number | undefined): string => (value === undefined ? '?' : String(value))

const units: readonly (readonly [number, string])[] = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'm'],
]

function age(seconds: number | undefined): string {
  if (seconds === undefined) return '?'
  const [length, name] = units.find(([unit]) => seconds >= 2 * unit) ?? [1, 's']
  return seconds === 0 ? '-' : `${Math.floor(seconds / length)}${name}`
}

const words: Readonly<Record<string, string>> = {
  RelayPolicy: 'policies',
  SenderDomain: 'domains',
  RelayCredential: 'credentials',
}

function totals({ objects, findings }: Overview, terminal: Terminal): string {
  const all = Object.entries(objects).map(([kind, { all, ready }]) => `${ready} of ${all} ${words[kind]}`)
  if (all.length === 0) return terminal.style('warn', 'there are no objects')
  const errors = findings.filter((f) => f.severity === 'error').length
  const verdict = errors === 0 ? '' : `; ${errors} ${errors === 1 ? 'error' : 'errors'}`
  return terminal.style(errors === 0 ? 'good' : 'bad', `ready: ${all.join(', ')}${verdict}`)
}
