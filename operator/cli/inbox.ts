/** `inbox`: shows the captured mail of the fleets that run on this machine. */
import type { Command } from 'commander'
import { decodeWords } from '../../relay/mail/encoded-word.ts'
import { type Captured, capturedBy, capturedMail, contentOf, headerOf, headOf } from '../local/inbox.ts'
import { type State, stateAt } from '../local/state.ts'
import { outputOption, stateOption } from './arguments.ts'
import type { Context } from './context.ts'
import { type ExitCode, exitCodes, UsageError } from './exit-code.ts'
import type { Terminal } from './terminal.ts'

type Options = { readonly state: string; readonly output: 'text' | 'json' }

export function addInbox(program: Command, { terminal, finish }: Context): Command {
  const inbox = program.command('inbox').summary('captured mail: list, show').description('Shows captured mail.')
  inbox
    .command('list', { isDefault: true })
    .summary('every captured message, the newest last')
    .option(...stateOption)
    .addOption(outputOption('text', 'json'))
    .action((options: Options) => finish(list(stateAt(options.state), options, terminal)))
  inbox
    .command('show')
    .summary('one captured message, or the newest')
    .argument('[queue-id]', 'as the relay said it in its reply')
    .option(...stateOption)
    .addOption(outputOption('text', 'json'))
    .action((queueId: string | undefined, options: Options) => finish(show(queueId, options, terminal)))
  return inbox
}

function list(state: State, { output }: Options, terminal: Terminal): ExitCode {
  const mail = capturedMail(state)
  if (output === 'json') terminal.out(JSON.stringify({ captured: mail }, null, 2))
  else if (mail.length === 0) terminal.out(`nothing was captured in ${state.root}`)
  else for (const message of mail) for (const line of listLines(message, terminal)) terminal.out(line)
  return exitCodes.ok
}

/** Empty where the message was deleted meanwhile. */
function listLines(message: Captured, terminal: Terminal): readonly string[] {
  const head = headOf(message)
  if (head === undefined) return []
  const { queueId, acceptedAt, reversePath, forwardPaths } = message.envelope
  const when = new Date(acceptedAt).toISOString().slice(0, 19)
  const written = headerOf(head, 'subject') ?? '(no subject)'
  // A line end that is hidden in an encoded-word would look like another message in the list.
  const subject = (decodeWords(written) ?? written).replaceAll(/[\r\n]+/g, ' ')
  const envelope = `<${reversePath}> → ${forwardPaths.join(', ')}`
  return [`${terminal.style('strong', queueId)}  ${terminal.style('dim', `${when}Z`)}  ${envelope}  ${subject}`]
}

function show(queueId: string | undefined, { state: folder, output }: Options, terminal: Terminal): ExitCode {
  const state = stateAt(folder)
  const message = queueId === undefined ? capturedMail(state).at(-1) : capturedBy(state, queueId)
  if (message === undefined) {
    const mend = `in ${state.root}; relayfleet inbox list shows what there is`
    if (queueId === undefined) throw new Error(`nothing was captured ${mend}`)
    throw new UsageError(`there is no captured message ${queueId} ${mend}`)
  }
  if (output === 'json') terminal.out(JSON.stringify({ ...message, content: contentOf(message) }, null, 2))
  else for (const line of messageLines(message, terminal)) terminal.out(line)
  return exitCodes.ok
}

export function messageLines(message: Captured, terminal: Terminal): readonly string[] {
  const { queueId, credential, reversePath, forwardPaths, redirectedFrom, client, reports } = message.envelope
  const facts: readonly (readonly [string, string])[] = [
    ['queue id', queueId],
    ['fleet', message.policy],
    reports === undefined
      ? ['credential', credential]
      : ['reports on', `${reports.queueId}: ${reports.forwardPaths.join(', ')}`],
    ['reverse-path', `<${reversePath}>`],
    ['forward-paths', forwardPaths.join(', ')],
    ...(redirectedFrom === undefined ? [] : [['redirected from', redirectedFrom.join(', ')] as const]),
    ...(reports === undefined ? [['client', `${client.address} (${client.tls})`] as const] : []),
    ['file', message.file],
  ]
  const content = contentOf(message).trimEnd().split(/\r?\n/)
  return [...facts.map(([name, value]) => `${terminal.style('dim', name.padEnd(15))} ${value}`), '', ...content]
}
