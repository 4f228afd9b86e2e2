/** `explain`: what a relay would reply to a submission, by which rule, where that rule is declared, and what to do. */
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import type { CredentialConfig, RelayConfig } from '../../relay/config.ts'
import type { CompiledFleet } from '../compile/compiled.ts'
import { type Name, nameOf } from '../compile/snapshot.ts'
import { explain, type Question } from '../explain.ts'
import { compileDirectory, type Offline } from '../local/offline.ts'
import { stateAt } from '../local/state.ts'
import { readStatuses } from '../local/status-file.ts'
import { usedToday } from '../usage.ts'
import { asking } from './api-trouble.ts'
import {
  forwardPaths,
  ipAddress,
  objectName,
  objectNameIn,
  outputOption,
  reversePath,
  stateOption,
} from './arguments.ts'
import { type ClusterOptions, clusterOptions, folderOrCluster, openCluster } from './cluster-options.ts'
import { compileCluster } from './compile-cluster.ts'
import type { Context } from './context.ts'
import { exitCodes, UsageError } from './exit-code.ts'
import { notesOn } from './explain-notes.ts'
import { explanationJson, explanationLines } from './explanation.ts'
import { knownNames } from './known-names.ts'
import type { Terminal } from './terminal.ts'
import { mayBeUnread } from './unread.ts'

type Options = ClusterOptions & {
  readonly credential: string
  readonly from: string
  readonly to: readonly string[]
  readonly headerFrom?: string
  readonly message?: string
  readonly client?: string
  readonly state: string
  readonly output: 'text' | 'json'
}

export const addExplain = (program: Command, context: Context): Command =>
  clusterOptions(program.command('explain'))
    .summary('what a relay would answer to a submission, and why')
    .description(
      'Plays a submission against the compiled configuration, with the very rules that the relay uses: of a directory of ' +
        'YAML, or of a cluster. Nothing is sent. The login is taken to succeed as far as password, token or certificate go, ' +
        'and the relay to have had no other message: what is left of a rate, or of the queue, is not known here.',
    )
    .argument('[dir]', 'the folder of YAML files; absent: the cluster')
    .requiredOption('--credential <namespace/name>', 'the RelayCredential that submits')
    .requiredOption('--from <address>', 'the reverse-path (MAIL FROM); <> for the null reverse-path')
    .requiredOption('--to <address>', 'a forward-path (RCPT TO); once for each', forwardPaths)
    .option('--header-from <from>', 'the visible From; the reverse-path unless given')
    .option('--message <file>', 'a whole message, header and body, instead of --header-from')
    .option('--client <address>', 'the IP address of the client; without it, networks are not judged')
    .option(...stateOption)
    .addOption(outputOption('text', 'json'))
    .action(async (dir: string | undefined, options: Options) => {
      const folder = folderOrCluster(dir, options)
      const question = questionOf(options)
      const asked = folder === undefined ? await askCluster(options, context.signal) : await askFolder(folder, options)
      context.finish(answer(asked, question, options, context.terminal))
    })

/** The compiled objects, and the credential that is asked about. */
type Asked = Omit<Offline, 'directory'> & {
  readonly directory?: Offline['directory']
  readonly name: Name
  /** The credential's present status; undefined where it has none. */
  readonly status: Readonly<Record<string, unknown>> | undefined
}

async function askFolder(dir: string, { credential, state }: Options): Promise<Asked> {
  const name = objectName(credential, '--credential')
  const at = stateAt(state)
  const compiled = await compileDirectory(dir, at)
  return { ...compiled, name, status: readStatuses(at.statusFile).get(`RelayCredential ${name}`) }
}

async function askCluster(options: Options, signal: AbortSignal): Promise<Asked> {
  const cluster = openCluster(options, 'a folder: DIR')
  const name = objectNameIn(cluster.namespace, options.credential, '--credential')
  return { ...(await asking(cluster, () => compileCluster(cluster, name, signal))), name }
}

function answer(asked: Asked, question: Question, { output }: Options, terminal: Terminal) {
  const found = fleetOf(asked)
  if (found === undefined) return tellUnusable(asked, output, terminal)
  const used = usedToday(asked.status, question.now)
  const informed = { ...question, ...(used !== undefined && { used }) }
  const explanation = explain(found.config, found.credential, informed)
  const notes = [...notesOn({ ...asked, ...found, question, explanation })]
  const told = { directory: asked.directory, ...found, explanation, question: informed, notes }
  if (output === 'json') terminal.out(JSON.stringify(explanationJson(told), null, 2))
  else for (const line of explanationLines(told, terminal)) terminal.out(line)
  return explanation.verdict === 'accepted' ? exitCodes.ok : exitCodes.refused
}

function questionOf(options: Options): Question {
  const { client, headerFrom, message } = options
  if (headerFrom !== undefined && message !== undefined) {
    throw new UsageError('--header-from and --message: give one of the two')
  }
  const from = reversePath(options.from)
  if (from === '' && headerFrom === undefined && message === undefined) {
    throw new UsageError('--from <> says nothing about the visible From; add --header-from or --message')
  }
  return {
    ...(client !== undefined && { client: ipAddress(client, '--client') }),
    reversePath: from,
    forwardPaths: options.to,
    message: message === undefined ? Buffer.from(`From: ${headerFrom ?? from}\r\n\r\n`) : messageIn(message),
    now: Date.now(),
  }
}

function messageIn(file: string): Buffer {
  try {
    const text = readFileSync(file, 'latin1')
    // A client sends CRLF, after the last line as well. A file that has only LF is converted, as its client would do it.
    const lines = text.includes('\r\n') ? text : text.replaceAll('\n', '\r\n')
    return Buffer.from(lines.endsWith('\r\n') ? lines : `${lines}\r\n`, 'latin1')
  } catch (error) {
    throw new UsageError(`--message ${file} can not be read: ${(error as Error).message}`)
  }
}

type Found = {
  readonly fleet: CompiledFleet
  readonly config: RelayConfig
  readonly credential: CredentialConfig
}

/** The fleet that has the credential, and its configuration: a compiled one, or what a held fleet keeps. */
function fleetOf({ compiled, snapshot, name }: Asked): Found | undefined {
  for (const [policy, fleet] of compiled.fleets) {
    const config = fleet.config ?? snapshot.running.get(policy)
    const credential = config?.credentials.find((c) => c.name === name)
    if (config !== undefined && credential !== undefined) return { fleet, config, credential }
  }
  return undefined
}

/** For a credential that no fleet has; its conditions say why. */
function tellUnusable({ compiled, snapshot, name, directory }: Asked, output: Options['output'], terminal: Terminal) {
  const status = compiled.statuses.get(`RelayCredential ${name}`)
  if (status === undefined) {
    const known = snapshot.credentials.map(nameOf)
    const where = directory === undefined ? 'cluster' : 'directory'
    throw new UsageError(
      `there is no RelayCredential ${name} in the ${where}; ${knownNames(name, known)}${mayBeUnread(directory)}`,
    )
  }
  const conditions = status.conditions.filter((c) => c.status !== 'True')
  const why = `no relay knows RelayCredential ${name}, so it can not log in`
  if (output === 'json')
    terminal.out(JSON.stringify({ verdict: 'refused', why, conditions, steps: [], routes: [], notes: [] }, null, 2))
  else {
    terminal.out(`${terminal.style('bad', 'REFUSED')}  ${why}`)
    for (const { reason, message } of conditions) terminal.out(`  ${reason}: ${message}`)
  }
  return exitCodes.refused
}
