#!/usr/bin/env node
/** The command line's composition root: the only reader of argv and environment, and the only one that sets the exit code. */
import { Command, CommanderError } from 'commander'
import { addCheck } from './cli/check.ts'
import type { Context } from './cli/context.ts'
import { exitCodeHelp, exitCodes, UsageError } from './cli/exit-code.ts'
import { addExplain } from './cli/explain.ts'
import { addInbox } from './cli/inbox.ts'
import { addLocal } from './cli/local.ts'
import { addQuickstart } from './cli/quickstart.ts'
import { addRender } from './cli/render.ts'
import { addSendTest } from './cli/send-test.ts'
import { terminalOn } from './cli/terminal.ts'

const { NO_COLOR } = process.env
const ending = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort())

const context: Context = {
  terminal: terminalOn(process.stdout, process.stderr, process.stdout.isTTY === true && !NO_COLOR),
  signal: ending.signal,
  finish: (code) => {
    process.exitCode = code
  },
}

const program = new Command('relayfleet')
  .description('A closed SMTP relay fleet, declared in YAML.')
  .exitOverride()
  .showSuggestionAfterError()
  .showHelpAfterError('(relayfleet --help tells what there is)')
  .addHelpText('after', exitCodeHelp)
for (const add of [addLocal, addCheck, addRender, addExplain, addSendTest, addInbox, addQuickstart])
  add(program, context)

try {
  await program.parseAsync(process.argv)
} catch (error) {
  process.exitCode = tell(error as Error)
}

/** Tells what is wrong, where commander has not done so itself; returns the exit code. */
function tell(error: Error): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  context.terminal.err(`relayfleet: ${error.message}`)
  return error instanceof UsageError ? exitCodes.usage : exitCodes.failed
}
