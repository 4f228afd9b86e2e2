/** `quickstart`: runs the example, submits a message that is captured before the person's eyes, and keeps running. */
import { join, relative } from 'node:path'
import type { Command } from 'commander'
import { readDirectory } from '../local/directory.ts'
import { capturedMail } from '../local/inbox.ts'
import { runLocal } from '../local/local-mode.ts'
import { ownCommand, packageFolder, stateFlag, typed } from '../local/relay-command.ts'
import { type State, stateAt } from '../local/state.ts'
import type { Tell } from '../local/telling.ts'
import { stateOption } from './arguments.ts'
import type { Context } from './context.ts'
import { type ExitCode, exitCodes } from './exit-code.ts'
import { messageLines } from './inbox.ts'
import { sendTest } from './send-test.ts'
import { tellOn } from './telling-lines.ts'

const credential = 'team-a/web'
const test = {
  credential,
  reversePath: 'hello@example.org',
  forwardPaths: ['you@example.net'],
  headerFrom: 'Quickstart <hello@example.org>',
} as const

export const addQuickstart = (program: Command, context: Context): Command =>
  program
    .command('quickstart')
    .summary('see it work: an example fleet, a message, the capture inbox')
    .description('Runs examples/quickstart on this machine, submits a message, and shows what became of it.')
    .option(...stateOption)
    .action(async ({ state }: { readonly state: string }) => {
      const directory = relative('', join(packageFolder, 'examples', 'quickstart')) || '.'
      context.finish(await quickstart(directory, state, context))
    })

type Audience = Pick<Context, 'terminal' | 'signal'>

/** Runs until it is interrupted. The exit code is that of the test message, if it got that far. */
export async function quickstart(
  directory: string,
  stateFolder: string,
  { terminal, signal }: Audience,
): Promise<ExitCode> {
  const state = stateAt(stateFolder)
  terminal.out(terminal.style('strong', `Three files in ${directory} declare a fleet, a domain and a credential:`))
  const story = new AbortController()
  const waiting = untilReady(tellOn(terminal))
  const running = runLocal({ directory, state: stateFolder, tell: waiting.tell, signal })
  void running.finally(() => story.abort()).catch(() => {})
  await Promise.race([waiting.ready, running])
  const audience = { terminal, signal: AbortSignal.any([signal, story.signal]) }
  const code = audience.signal.aborted ? exitCodes.ok : await tellStory(directory, state, audience)
  await running
  return code
}

/** Resolves when the credential can be used. */
function untilReady(tell: Tell) {
  const { promise, resolve } = Promise.withResolvers<void>()
  const watching: Tell = (telling) => {
    tell(telling)
    if (telling.about !== 'object' || telling.ref !== `RelayCredential ${credential}`) return
    if (telling.ready === 'True') resolve()
  }
  return { tell: watching, ready: promise }
}

async function tellStory(directory: string, state: State, { terminal, signal }: Audience): Promise<ExitCode> {
  const heading = (text: string): void => {
    terminal.out('')
    terminal.out(terminal.style('strong', text))
  }
  heading(`A client submits a message with the Secret of RelayCredential ${credential}:`)
  const code = await sendTest(test, { state, directory: readDirectory(directory, state.root), terminal, signal })
  // If the message was refused, the newest one in the inbox is from an earlier run.
  const message = code === exitCodes.ok ? capturedMail(state).at(-1) : undefined
  if (message !== undefined) {
    heading('This is what the fleet captured:')
    for (const line of messageLines(message, terminal)) terminal.out(line)
  }
  heading('It keeps running. Try next, in another terminal:')
  for (const line of suggestions(directory, state)) terminal.out(line)
  heading('Ctrl-C stops all of it.')
  return code
}

/** Commands that can be copied; the last one is refused, and says by which rule. */
const suggestions = (example: string, { root }: State): readonly string[] => {
  const [state, directory] = [stateFlag(root), typed(example)]
  const message = `--credential ${credential} --from ceo@example.com --to you@example.net`
  return [
    `  ${ownCommand} inbox list${state}`,
    `  ${ownCommand} check ${directory}`,
    `  ${ownCommand} explain ${directory} ${message}${state}`,
    `  ${ownCommand} send-test ${directory} ${message}${state}`,
    `  edit ${join(example, 'domain.yaml')} (domain: example.com) and repeat the last one: an edit is in force at once`,
  ]
}
