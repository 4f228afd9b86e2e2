/** The commands that start a relay, or this program again: from the bundles beside this one, or from the source tree. */
import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeFlags } from '../../relay/node-flags.ts'
import { defaultState, type FleetFolder } from './state.ts'

const bundled = import.meta.url.endsWith('.js')
const relay = fileURLToPath(new URL(bundled ? 'relay.js' : '../../relay/main.ts', import.meta.url))
const program = fileURLToPath(new URL(bundled ? 'relayfleet.js' : '../cli.ts', import.meta.url))

/** The folder of the package, with what is shipped beside the program, e.g. the examples. */
export const packageFolder = fileURLToPath(new URL(bundled ? '..' : '../..', import.meta.url))

/** A path as one types it in a shell: in quotes where it needs them. */
export const typed = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`)

/** What a person types in `folder` to run this program. Only in the package's own folder does npx find its Node. */
export function ownCommandIn(folder: string): string {
  // An installed package has its command on PATH.
  if (packageFolder.includes('/node_modules/')) return 'relayfleet'
  return resolve(folder) === resolve(packageFolder)
    ? `npx node ${relative(packageFolder, program)}`
    : `${typed(process.execPath)} ${typed(program)}`
}

export const ownCommand = ownCommandIn('')

/** The flag that a command needs to find this state folder; empty for the default one. */
export const stateFlag = (root: string): string => (root === resolve(defaultState) ? '' : ` --state ${typed(root)}`)

/** The command that shows a captured message. */
export const showCommand = (queueId: string, root: string): string =>
  `${ownCommand} inbox show ${queueId}${stateFlag(root)}`

export const relayCommand = (folder: FleetFolder): { readonly command: string; readonly args: readonly string[] } => ({
  command: process.execPath,
  args: [
    ...nodeFlags(relay),
    relay,
    ...['--config', folder.config, '--data', folder.root],
    ...['--http', '127.0.0.1:0', '--parent-pipe'],
  ],
})
