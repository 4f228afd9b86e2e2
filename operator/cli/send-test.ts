/** `send-test`: submits a message as the application would, shows the dialog, and tells what became of the message. */
import type { Command } from 'commander'
import { type RuleId, rules } from '../../relay/mail/rule.ts'
import type { Name } from '../compile/snapshot.ts'
import { type BoundCredential, boundCredential } from '../local/bound-credential.ts'
import { type Directory, readDirectory } from '../local/directory.ts'
import type { Fate } from '../local/fate.ts'
import { startFollowing } from '../local/follow.ts'
import { ownCommand } from '../local/relay-command.ts'
import { type State, stateAt } from '../local/state.ts'
import { type Line, type Submission, submit } from '../local/submit.ts'
import { testMessage } from '../local/test-message.ts'
import { existingDirectory, gathered, objectName, reversePath, stateOption } from './arguments.ts'
import type { Context } from './context.ts'
import { type ExitCode, exitCodes, UsageError } from './exit-code.ts'
import { ruleLines } from './place.ts'
import type { Terminal } from './terminal.ts'

/** Long enough for a first attempt at a slow smarthost. */
const followMs = 30_000

type Options = {
  readonly credential: string
  readonly from: string
  readonly to: readonly string[]
  readonly headerFrom?: string
  readonly state: string
}

export const addSendTest = (program: Command, { terminal, signal, finish }: Context): Command =>
  program
    .command('send-test')
    .summary('submit a message with a credential, and follow it')
    .description(
      'Submits a test message as the application would: TLS with verification, AUTH with the binding Secret. Shows the\n' +
        'dialog without the password, and tells what became of the message. Needs relayfleet local with the same --state.',
    )
    .argument('[dir]', 'the folder of YAML files: a refusal then names the place of its rule')
    .requiredOption('--credential <namespace/name>', 'the RelayCredential that submits')
    .requiredOption('--from <address>', 'the reverse-path (MAIL FROM); <> for the null reverse-path')
    .requiredOption('--to <address>', 'a forward-path (RCPT TO); once for each', gathered)
    .option('--header-from <from>', 'the visible From; the reverse-path unless given')
    .option(...stateOption)
    .action(async (dir: string | undefined, options: Options) => {
      const state = stateAt(options.state)
      const directory = dir === undefined ? undefined : readDirectory(existingDirectory(dir), state.root)
      finish(await sendTest(testOf(options), { state, directory, terminal, signal }))
    })

export type Test = {
  readonly credential: Name
  readonly reversePath: string
  readonly forwardPaths: readonly string[]
  readonly headerFrom: string
}

function testOf({ credential, from, to, headerFrom }: Options): Test {
  const path = reversePath(from)
  if (path === '' && headerFrom === undefined) {
    throw new UsageError('--from <> says nothing about the visible From; add --header-from')
  }
  return {
    credential: objectName(credential, '--credential'),
    reversePath: path,
    forwardPaths: to,
    headerFrom: headerFrom ?? path,
  }
}

type Surroundings = {
  readonly state: State
  readonly directory: Directory | undefined
  readonly terminal: Terminal
  readonly signal: AbortSignal
}

export async function sendTest(test: Test, surroundings: Surroundings): Promise<ExitCode> {
  const { state, terminal, signal } = surroundings
  const bound = boundCredential(state, test.credential)
  const follow = startFollowing(state.fleet(bound.policy))
  const { reversePath, forwardPaths, headerFrom } = test
  const content = testMessage(headerFrom, forwardPaths, new Date())
  const submission = await submit(bound.secret, { reversePath, forwardPaths, content }, (line) =>
    terminal.out(dialogLine(line, terminal)),
  )
  terminal.out('')
  if (submission.kind !== 'accepted') return tellNotAccepted(submission, test, bound, surroundings)
  for (const reply of submission.refused) tellRefusal('RCPT', reply, test, bound, surroundings)
  const queueId = /queued as (\S+)/.exec(submission.reply)?.[1] ?? ''
  const fate = await follow(queueId, AbortSignal.any([signal, AbortSignal.timeout(followMs)]))
  tellFate(fate, queueId, state.fleet(bound.policy).log, terminal)
  const arrived = fate.kind === 'captured' || fate.kind === 'delivered'
  return arrived && submission.refused.length === 0 ? exitCodes.ok : exitCodes.refused
}

function dialogLine({ by, text }: Line, terminal: Terminal): string {
  switch (by) {
    case 'client':
      return `${terminal.style('dim', 'client')}  ${text}`
    case 'relay':
      return `${terminal.style('dim', 'relay ')}  ${terminal.style(/^[45]/.test(text) ? 'bad' : 'good', text)}`
    case 'note':
      return `${terminal.style('dim', '        ')}${terminal.style('dim', `(${text})`)}`
  }
}

function tellNotAccepted(
  submission: Exclude<Submission, { kind: 'accepted' }>,
  test: Test,
  bound: BoundCredential,
  surroundings: Surroundings,
): ExitCode {
  const { terminal, state } = surroundings
  if (submission.kind === 'refused') {
    tellRefusal(submission.command, submission.reply, test, bound, surroundings)
    return exitCodes.refused
  }
  const { host, port } = bound.secret
  terminal.out(`${terminal.style('bad', 'NO VERDICT')}  ${submission.why}`)
  terminal.out(`  mend   is relayfleet local running? It should listen on ${host}:${port}; see ${state.statusFile}`)
  return exitCodes.failed
}

function tellRefusal(command: string, reply: string, test: Test, bound: BoundCredential, to: Surroundings): void {
  const { terminal, directory } = to
  terminal.out(`${terminal.style('bad', 'REFUSED')}  at ${command}: ${reply}`)
  const rule = ruleIn(reply)
  if (rule === undefined) return
  const names = { policy: bound.policy, credential: test.credential }
  for (const line of ruleLines(rule, names, directory)) terminal.out(line)
}

/** The id of the rule ends every refusal. */
function ruleIn(reply: string): RuleId | undefined {
  const id = /\(([A-Za-z.]+)\)\s*$/.exec(reply)?.[1] ?? ''
  return Object.hasOwn(rules, id) ? (id as RuleId) : undefined
}

function tellFate(fate: Fate, queueId: string, log: string, terminal: Terminal): void {
  switch (fate.kind) {
    case 'captured':
      terminal.out(`${terminal.style('good', 'CAPTURED')}  see it with: ${ownCommand} inbox show ${queueId}`)
      return
    case 'delivered':
      terminal.out(`${terminal.style('good', 'DELIVERED')}  the next hop said: ${fate.reply}`)
      return
    case 'bounced':
      terminal.out(`${terminal.style('bad', 'BOUNCED')}  the next hop said: ${fate.reply}`)
      return
    case 'deferred':
      terminal.out(`${terminal.style('warn', 'DEFERRED')}  kept and tried again; the next hop said: ${fate.reply}`)
      return
    case 'unknown':
      terminal.out(`${terminal.style('warn', 'QUEUED')}  nothing more is known yet; follow ${queueId} in ${log}`)
  }
}
