/** The command line: all verbs, and what happens to errors. */
import { Command, CommanderError } from 'commander'
import { version } from '../../relay/version.ts'
import { addCheck } from './check.ts'
import type { Context } from './context.ts'
import { addDomain } from './domain-check.ts'
import { type ExitCode, exitCodeHelp, exitCodes, UsageError } from './exit-code.ts'
import { addExplain } from './explain.ts'
import { addInbox } from './inbox.ts'
import { addLocal } from './local.ts'
import { addQuickstart } from './quickstart.ts'
import { addReceive } from './receive.ts'
import { addRender } from './render.ts'
import { addRotate } from './rotate.ts'
import { addRun } from './run.ts'
import { addSendTest } from './send-test.ts'
import { addStatus } from './status.ts'
import { addSubmit } from './submit.ts'
import { addSuspend } from './suspend.ts'
import type { Terminal } from './terminal.ts'

const verbs = [
  addLocal,
  addRun,
  addCheck,
  addRender,
  addExplain,
  addStatus,
  addDomain,
  addRotate,
  addSuspend,
  addSendTest,
  addSubmit,
  addReceive,
  addInbox,
  addQuickstart,
]

/** Runs one command; `argv` is without the program's name. Never throws: errors are printed, and give the exit code. */
export async function execute(
  argv: readonly string[],
  surroundings: Pick<Context, 'terminal' | 'signal'> & Partial<Pick<Context, 'environment'>>,
): Promise<ExitCode> {
  const { terminal } = surroundings
  let code: ExitCode = exitCodes.ok
  const program = emptyProgram(terminal)
  for (const add of verbs) add(program, { environment: [], ...surroundings, finish: (c) => (code = c) })
  try {
    await program.parseAsync(argv, { from: 'user' })
    return code
  } catch (error) {
    return tellError(error as Error, terminal)
  }
}

const emptyProgram = (terminal: Terminal): Command =>
  new Command('relayfleet')
    .description('A closed SMTP relay fleet, declared in YAML.')
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
    })
    .showSuggestionAfterError()
    .showHelpAfterError('(relayfleet --help tells what there is)')
    .addHelpText('after', exitCodeHelp)

/** Commander's own errors are printed already. */
function tellError(error: Error, terminal: Terminal): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  terminal.err(`relayfleet: ${error.message}`)
  return error instanceof UsageError ? exitCodes.usage : exitCodes.failed
}
