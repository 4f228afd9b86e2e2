/** `render`: prints the configurations that the relays of a YAML directory would get. */
import type { Command } from 'commander'
import { stringify } from 'yaml'
import { configHash, printConfig } from '../../relay/config.ts'
import type { Compiled, CompiledFleet } from '../compile/compiled.ts'
import { compileDirectory } from '../local/offline.ts'
import { stateAt } from '../local/state.ts'
import { existingDirectory, outputOption, stateOption } from './arguments.ts'
import type { Context } from './context.ts'
import { exitCodes } from './exit-code.ts'
import { leftUnread } from './unread.ts'

type Options = { readonly state: string; readonly output: 'yaml' | 'json' }

export const addRender = (program: Command, { terminal, finish }: Context): Command =>
  program
    .command('render')
    .summary('print the compiled configurations')
    .description("Compiles a directory of YAML and prints what each fleet's relays would get; no secret is in it.")
    .argument('<dir>', 'the folder of YAML files')
    .option(...stateOption)
    .addOption(outputOption('yaml', 'json'))
    .action(async (dir: string, { state, output }: Options) => {
      const { compiled, directory } = await compileDirectory(existingDirectory(dir), stateAt(state))
      const rendered = rendering(compiled)
      terminal.out(
        output === 'json' ? JSON.stringify(rendered, null, 2) : stringify(rendered, { lineWidth: 0 }).trimEnd(),
      )
      const unread = leftUnread(directory)
      if (unread !== undefined) terminal.err(unread)
      finish(unread === undefined ? exitCodes.ok : exitCodes.failed)
    })

const rendering = ({ fleets, bindings }: Compiled) => ({
  fleets: Object.fromEntries([...fleets].map(([name, fleet]) => [name, fleetRendering(fleet)])),
  bindings: Object.fromEntries(bindings),
})

const fleetRendering = (fleet: CompiledFleet) =>
  fleet.config === undefined ? fleet : { ...fleet, hash: configHash(printConfig(fleet.config)) }
