/** `local`: runs the fleets of a YAML directory on this machine, until it is interrupted. */
import type { Command } from 'commander'
import { runLocal } from '../local/local-mode.ts'
import { existingDirectory, stateBeside, stateOption } from './arguments.ts'
import type { Context } from './context.ts'
import { exitCodes } from './exit-code.ts'
import { tellOn } from './telling-lines.ts'

export const addLocal = (program: Command, { terminal, signal, finish }: Context): Command =>
  program
    .command('local')
    .summary("run the directory's fleets on this machine")
    .description(
      'Compiles a directory of YAML, runs its relays as processes, and follows every change. Ctrl-C stops all.',
    )
    .argument('<dir>', 'the folder of YAML files')
    .option(...stateOption)
    .action(async (dir: string, options: { readonly state: string }) => {
      const directory = existingDirectory(dir)
      const state = stateBeside(options.state, directory)
      terminal.err(`${directory} runs on this machine; secrets, spools and statuses are in ${state}; Ctrl-C stops it`)
      await runLocal({ directory, state, tell: tellOn(terminal), signal })
      finish(exitCodes.ok)
    })
