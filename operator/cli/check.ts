/** `check`: every finding about a YAML directory with its place, the field, what is wrong and the mend. */
import type { Command } from 'commander'
import type { Finding } from '../compile/compiled.ts'
import { expired } from '../compile/expiry.ts'
import type { Ref } from '../compile/snapshot.ts'
import type { LocatedProblem } from '../local/objects.ts'
import { compileDirectory, type Offline } from '../local/offline.ts'
import { stateAt } from '../local/state.ts'
import { existingDirectory, outputOption, stateOption } from './arguments.ts'
import type { Context } from './context.ts'
import { exitCodes } from './exit-code.ts'
import { placeOf, printPosition } from './place.ts'
import type { Terminal } from './terminal.ts'

/** `error`: something that was asked for will not happen. `warning`: it depends on something that is in doubt. */
type Severity = 'error' | 'warning'
type CheckFinding = LocatedProblem & { readonly severity: Severity; readonly reason?: string }

type Options = { readonly state: string; readonly output: 'text' | 'json' }

export const addCheck = (program: Command, { terminal, finish }: Context): Command =>
  program
    .command('check')
    .summary('find what is wrong in a directory, without running it')
    .description('Compiles a directory of YAML and tells every finding with its place and its mend.')
    .argument('<dir>', 'the folder of YAML files')
    .option(...stateOption)
    .addOption(outputOption('text', 'json'))
    .action(async (dir: string, { state, output }: Options) => {
      const offline = await compileDirectory(existingDirectory(dir), stateAt(state))
      const found = findingsIn(dir, offline)
      if (output === 'json') terminal.out(JSON.stringify({ findings: found }, null, 2))
      else for (const line of asText(found, offline, terminal)) terminal.out(line)
      finish(found.some((f) => f.severity === 'error') ? exitCodes.refused : exitCodes.ok)
    })

function findingsIn(dir: string, { directory, compiled }: Offline): readonly CheckFinding[] {
  const inText = directory.problems.map((p): CheckFinding => ({ ...p, severity: 'error' }))
  const compiledOnes = [...compiled.findings].flatMap(([ref, findings]) =>
    findings.flatMap((f) => {
      const severity = severityOf(f)
      return severity === undefined ? [] : [located(ref, f, severity, directory, dir)]
    }),
  )
  const over = [...expired(compiled, Date.now())].map(([ref, f]) => located(ref, f, 'warning', directory, dir))
  return [...nothingThere(dir, directory), ...inText, ...withoutEchoes(compiledOnes), ...over].toSorted(byPlace)
}

/** What the text says is wrong has its line already; Programmed is for who runs the directory. */
function severityOf({ type, status, reason }: Finding): Severity | undefined {
  if (!['Accepted', 'ResolvedRefs'].includes(type) || reason === 'Invalid') return undefined
  return status === 'False' ? 'error' : status === 'Unknown' ? 'warning' : undefined
}

function located(
  ref: Ref,
  { field, reason, message }: Finding,
  severity: Severity,
  directory: Offline['directory'],
  dir: string,
): CheckFinding {
  const place = placeOf(directory, ref, field) ?? { file: dir, line: 1, column: 1 }
  return { ...place, severity, object: ref, ...(field !== undefined && { field }), reason, message }
}

/** One cause may stand in two conditions of an object; a person needs it once. */
const withoutEchoes = (found: readonly CheckFinding[]): readonly CheckFinding[] =>
  found.filter(
    (f, i) =>
      !found.some((other, j) => j !== i && other.object === f.object && says(other, f) && (j < i || !says(f, other))),
  )
const says = (other: CheckFinding, f: CheckFinding): boolean => other.message.includes(f.message)

const nothingThere = (dir: string, { objects, problems }: Offline['directory']): readonly CheckFinding[] =>
  objects.length > 0 || problems.length > 0
    ? []
    : [
        {
          file: dir,
          line: 1,
          column: 1,
          severity: 'error',
          message: 'there is no object in it; add .yaml or .yml files',
        },
      ]

const byPlace = (a: CheckFinding, b: CheckFinding): number =>
  a.file === b.file ? a.line - b.line || a.column - b.column : a.file < b.file ? -1 : 1

function* asText(found: readonly CheckFinding[], { directory }: Offline, terminal: Terminal): Generator<string> {
  for (const f of found) {
    const what = [f.object, f.field].filter((t) => t !== undefined).join(' ')
    const severity = terminal.style(f.severity === 'error' ? 'bad' : 'warn', f.severity)
    yield `${printPosition(f)}: ${severity}: ${what === '' ? '' : `${what}: `}${f.message}`
  }
  const errors = found.filter((f) => f.severity === 'error').length
  yield errors > 0
    ? terminal.style('bad', `${errors} ${errors === 1 ? 'error' : 'errors'}`)
    : terminal.style('good', `no errors in ${directory.objects.length} objects`)
}
