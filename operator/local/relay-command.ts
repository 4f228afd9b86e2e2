/** How a relay is started on this machine: the sibling bundle of a bundle, or the source of the source tree. */
import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeFlags } from '../../relay/node-flags.ts'
import { defaultState, type FleetFolder } from './state.ts'

const bundled = import.meta.url.endsWith('.js')
const relay = fileURLToPath(new URL(bundled ? 'relay.js' : '../../relay/main.ts', import.meta.url))
const program = fileURLToPath(new URL(bundled ? 'relayfleet.js' : '../cli.ts', import.meta.url))

/** What ships beside the program, e.g. the examples. */
export const packageFolder = fileURLToPath(new URL(bundled ? '..' : '../..', import.meta.url))

/** A path as it is typed. */
export const typed = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`)

/** What a person types in `folder` to run this program: npx knows our Node in our own folder alone. */
export function ownCommandIn(folder: string): string {
  // Installed, it is on PATH.
  if (packageFolder.includes('/node_modules/')) return 'relayfleet'
  return resolve(folder) === resolve(packageFolder)
    ? `npx node ${relative(packageFolder, program)}`
    : `${typed(process.execPath)} ${typed(program)}`
}

export const ownCommand = ownCommandIn('')

/** What a command needs to find this state folder. */
export const stateFlag = (root: string): string => (root === resolve(defaultState) ? '' : ` --state ${typed(root)}`)

/** What shows a captured message. */
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
