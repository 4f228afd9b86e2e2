/** The figures of a full run as text for docs/benchmarks.md: the medians, and remarks on single contestants. */
import { median } from '../test/local/median.ts'
import type { Run } from './lane.ts'
import type { Latency } from './latency.ts'
import type { Entry, Results, Shape, Weight } from './results.ts'

type Figure = (entry: Entry) => number | undefined
/** The median; undefined where nothing was measured. */
const middle = (figures: readonly number[]): number | undefined => (figures.length === 0 ? undefined : median(figures))
export const ofRuns =
  (shape: Shape, figure: keyof Run): Figure =>
  ({ runs }) =>
    middle(runs[shape].map((run) => run[figure]))
const ofLatencies =
  (kind: 'alone' | 'aloneX25519' | 'crowded', figure: keyof Latency): Figure =>
  (entry) =>
    middle(entry[kind].map((latency) => latency[figure]))
const mebibytes = (weight: Weight | undefined): number | undefined => weight && weight.pssBytes / 2 ** 20

const rows: readonly (readonly [what: string, figure: Figure])[] = [
  ['4 KB, 20 sessions reused: accepted/s', ofRuns('smallReused', 'acceptedPerSecond')],
  ['4 KB, 20 sessions reused: delivered/s', ofRuns('smallReused', 'deliveredPerSecond')],
  ['4 KB, 20 sessions reused, pipelined: accepted/s', ofRuns('smallPipelined', 'acceptedPerSecond')],
  ['4 KB, 20 sessions reused, pipelined: delivered/s', ofRuns('smallPipelined', 'deliveredPerSecond')],
  ['4 KB, a connection each: accepted/s', ofRuns('smallSingle', 'acceptedPerSecond')],
  ['4 KB, a connection each: delivered/s', ofRuns('smallSingle', 'deliveredPerSecond')],
  ['100 KB, 20 sessions reused: accepted/s', ofRuns('largeReused', 'acceptedPerSecond')],
  ['100 KB, 20 sessions reused: delivered/s', ofRuns('largeReused', 'deliveredPerSecond')],
  ['100 KB, a connection each: accepted/s', ofRuns('largeSingle', 'acceptedPerSecond')],
  ['100 KB, a connection each: delivered/s', ofRuns('largeSingle', 'deliveredPerSecond')],
  ['one submission alone, X25519: p50, ms', ofLatencies('aloneX25519', 'p50Ms')],
  ['one submission alone, X25519: p99, ms', ofLatencies('aloneX25519', 'p99Ms')],
  ['one submission alone, what the client offers: p50, ms', ofLatencies('alone', 'p50Ms')],
  ['one submission alone, what the client offers: p99, ms', ofLatencies('alone', 'p99Ms')],
  ['one submission among 20: p50, ms', ofLatencies('crowded', 'p50Ms')],
  ['one submission among 20: p99, ms', ofLatencies('crowded', 'p99Ms')],
  ['memory at rest, MiB', ({ memory }) => mebibytes(memory.idle)],
  ['memory with 1,000 idle TLS sessions, MiB', ({ memory }) => mebibytes(memory.sessions)],
  ['memory under load, MiB', ({ memory }) => mebibytes(memory.load)],
  ['fsyncs per message, under load', ({ fsyncs }) => fsyncs],
]

/** A figure with three digits, which are already more than such a measurement is worth. */
export const digits = (value: number | undefined): string =>
  value === undefined || Number.isNaN(value) ? '–' : `${Number(value.toPrecision(3))}`

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

/** The text between the two marks of the page. */
export function sectionOf(results: Results | undefined): string {
  if (results === undefined) return '\nNo full run is kept in the repository yet.\n'
  const entries = results.entries.filter(hasFigures)
  return [
    '',
    ...introduction(results),
    '',
    line(['', ...entries.map(({ name, version }) => `${name} ${version}`)]),
    line(['---', ...entries.map(() => '---')]),
    ...rows.map(([what, figure]) => line([what, ...entries.map((entry) => digits(figure(entry)))])),
    '',
    '![Messages delivered a second](benchmarks.svg)',
    '',
    ...results.entries.flatMap(marks).map((mark) => `- ${mark}`),
    '',
  ].join('\n')
}

const introduction = ({ at, revision, machine, loadAverage, rounds, seconds, loadCeiling }: Results): string[] => [
  `Medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'} of ${seconds} s each, in turns, ${at.slice(0, 10)}, revision \`${revision}\`, on`,
  `${machine.cores} cores (${machine.cpu}, Linux ${machine.kernel}) that also run load and receivers; the machine's load average was`,
  `${loadAverage.map(digits).join(' before and ')} after. The load alone reaches ${digits(loadCeiling)} messages a second against the receiver, without TLS.`,
]

const hasFigures = (entry: Entry): boolean => rows.some(([, figure]) => figure(entry) !== undefined)

/** What a reader has to know of one contestant besides its figures. */
function marks({ name, fsyncs, skipped, failures }: Entry): readonly string[] {
  const first = (text: string): string => text.split('\n')[0] ?? ''
  return [
    ...(fsyncs === 0 ? [`**${name} does not fsync**: what it accepted can be lost with the machine.`] : []),
    ...(skipped === undefined ? [] : [`**${name} was skipped**: ${first(skipped)}`]),
    ...failures.map((failure) => `${name} failed: ${first(failure)}`),
  ]
}
