/** `check`: reports every finding about a YAML directory or a cluster: its place, the field, what is wrong and how to mend it. */
import type { Command } from 'commander'
import type { Finding } from '../compile/compiled.ts'
import { expired } from '../compile/expiry.ts'
import { identityOutside, secretNamesUnfit } from '../compile/findings.ts'
import { notSigned } from '../compile/not-signed.ts'
import type { Ref } from '../compile/snapshot.ts'
import type { LocatedProblem, Position } from '../local/objects.ts'
import { compileDirectory, type Offline } from '../local/offline.ts'
import { stateAt } from '../local/state.ts'
import { asking } from './api-trouble.ts'
import { outputOption, stateOption } from './arguments.ts'
import { checkCluster, clusterFindingLines } from './check-cluster.ts'
import { type ClusterOptions, folderOrCluster, openCluster, scopeOptions } from './cluster-options.ts'
import { type Severity, withoutEchoes } from './complaint.ts'
import type { Context } from './context.ts'
import { type ExitCode, exitCodes } from './exit-code.ts'
import { placeOf, printPosition } from './place.ts'
import type { Terminal } from './terminal.ts'
import { unusableValues } from './unusable-values.ts'

type CheckFinding = LocatedProblem & { readonly severity: Severity; readonly reason?: string }

type Options = ClusterOptions & { readonly state: string; readonly output: 'text' | 'json' }

export const addCheck = (program: Command, context: Context): Command =>
  scopeOptions(program.command('check'))
    .summary('find what is wrong in a directory or a cluster')
    .description(
      'With a directory of YAML: compiles it without running it, and tells every finding with its line and its mend.\n' +
        'Without one: what is wrong with the objects of a cluster, by the conditions that the operator wrote, and with it.',
    )
    .argument('[dir]', 'the folder of YAML files; absent: the cluster')
    .option(...stateOption)
    .addOption(outputOption('text', 'json'))
    .action(async (dir: string | undefined, options: Options) => {
      const folder = folderOrCluster(dir, options)
      context.finish(
        await (folder === undefined ? checkTheCluster(options, context) : checkFolder(folder, options, context)),
      )
    })

async function checkFolder(dir: string, { state, output }: Options, { terminal }: Context): Promise<ExitCode> {
  const offline = await compileDirectory(dir, stateAt(state))
  const found = findingsIn(dir, offline)
  if (output === 'json') terminal.out(JSON.stringify({ findings: found }, null, 2))
  else for (const line of asText(found, offline, terminal)) terminal.out(line)
  return verdictOn(found)
}

async function checkTheCluster(options: Options, { terminal, signal }: Context): Promise<ExitCode> {
  const cluster = openCluster(options, 'a folder: DIR')
  const found = await asking(cluster, () => checkCluster(cluster, signal))
  if (options.output === 'json') terminal.out(JSON.stringify({ findings: found.complaints }, null, 2))
  else for (const line of clusterFindingLines(found, cluster, terminal)) terminal.out(line)
  return verdictOn(found.complaints)
}

const verdictOn = (found: readonly { readonly severity: Severity }[]): ExitCode =>
  found.some((f) => f.severity === 'error') ? exitCodes.refused : exitCodes.ok

function findingsIn(dir: string, offline: Offline): readonly CheckFinding[] {
  const { directory, compiled } = offline
  const inText = directory.problems.map((p): CheckFinding => ({ ...p, severity: 'error' }))
  const compiledOnes = [...compiled.findings].flatMap(([ref, findings]) =>
    findings.flatMap((f) => {
      const severity = severityOf(f)
      return severity === undefined ? [] : [located(ref, f, severity, directory, dir)]
    }),
  )
  // No error: where real values do not belong into a repository, others stand for them.
  const unusable = [...unusableValues(offline)].map(
    ([object, message]): CheckFinding => ({ ...placeIn(directory, object, dir), severity: 'warning', object, message }),
  )
  const over = [...expired(compiled, Date.now())].map(([ref, f]) => located(ref, f, 'warning', directory, dir))
  const found = [...inText, ...withoutEchoes(compiledOnes), ...unusable, ...over]
  return [...nothingThere(dir, directory), ...found].toSorted(byPlace)
}

/** Reasons that are only warnings: everything happens as declared, but perhaps that is not what was meant. */
const mayBeMeant: ReadonlySet<string> = new Set([
  notSigned,
  identityOutside,
  secretNamesUnfit,
  'CertificateRequiredToo',
])

/** Reasons that follow from another object, which is invalid or unread and has a line of its own; so they are only warnings. */
const inDoubt: ReadonlySet<string> = new Set(['PolicyUnknown', 'DomainUnknown', 'NamespaceUnknown'])

/**
 * Undefined: not shown. Invalid objects are reported by their text already, and Programmed matters only while the directory runs.
 */
function severityOf({ type, status, reason }: Finding): Severity | undefined {
  if (mayBeMeant.has(reason)) return 'warning'
  if (!['Accepted', 'ResolvedRefs'].includes(type) || reason === 'Invalid') return undefined
  if (status === 'True') return undefined
  return status === 'Unknown' || inDoubt.has(reason) ? 'warning' : 'error'
}

function located(
  ref: Ref,
  { field, reason, message }: Finding,
  severity: Severity,
  directory: Offline['directory'],
  dir: string,
): CheckFinding {
  const place = placeIn(directory, ref, dir, field)
  return { ...place, severity, object: ref, ...(field !== undefined && { field }), reason, message }
}

const placeIn = (directory: Offline['directory'], object: string, dir: string, field?: string): Position =>
  placeOf(directory, object, field) ?? { file: dir, line: 1, column: 1 }

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
