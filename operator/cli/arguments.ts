/** Arguments that several verbs take, and the checks of each. */
import { accessSync, constants, existsSync, realpathSync, type Stats, statSync } from 'node:fs'
import { isIP } from 'node:net'
import { Option } from 'commander'
import type { Name } from '../compile/snapshot.ts'
import { defaultState } from '../local/state.ts'
import { UsageError } from './exit-code.ts'

/** @throws UsageError for an empty text, e.g. from an unset variable: it would mean the current folder. */
export function stateFolder(text: string): string {
  if (text === '') throw new UsageError('--state is empty; name a folder, or leave it out')
  return text
}

/**
 * @throws UsageError where the state folder is the folder of YAML files: what we write to it would then be read as declarations.
 */
export function stateBeside(state: string, directory: string): string {
  if (!existsSync(state) || realpathSync(state) !== realpathSync(directory)) return state
  throw new UsageError(`--state ${state} is the folder of YAML files; name another, or leave it out`)
}

export const stateOption = [
  '--state <dir>',
  'the folder for secrets, spools and statuses',
  stateFolder,
  defaultState,
] as const

/** The option `-o`; the first form is the default. */
export const outputOption = (form: string, ...others: readonly string[]): Option =>
  new Option('-o, --output <form>', 'how the answer looks').choices([form, ...others]).default(form)

/** @throws UsageError where the folder does not exist; `meant` completes the sentence `give the folder …`. */
export function existingDirectory(path: string, meant = 'that holds your YAML files'): string {
  const found = visible(path)
  if (found === undefined) throw new UsageError(`${path} does not exist; give the folder ${meant}`)
  if (!found.isDirectory()) throw new UsageError(`${path} is not a folder; give the folder ${meant}`)
  return path
}

/** Undefined where nothing exists at the path. @throws Error where we have no right to look at it, or into it. */
function visible(path: string): Stats | undefined {
  try {
    const found = statSync(path, { throwIfNoEntry: false })
    if (found !== undefined) accessSync(path, found.isDirectory() ? constants.R_OK | constants.X_OK : constants.F_OK)
    return found
  } catch (error) {
    const why = (error as Error).message
    throw new Error(`${path} can not be read: ${why}; give this user the right to read it, or another folder`)
  }
}

/** `team-a/web`. @throws UsageError */
export function objectName(text: string, option: string): Name {
  const [, namespace, name] = /^([a-z0-9][-a-z0-9]*)\/([a-z0-9][-a-z0-9.]*)$/.exec(text) ?? []
  if (namespace === undefined || name === undefined) {
    throw new UsageError(`${option} ${text}: write NAMESPACE/NAME, e.g. team-a/web`)
  }
  return `${namespace}/${name}`
}

/** The same, but a name without a namespace is one in `namespace`, if that is given. @throws UsageError */
export const objectNameIn = (namespace: string | undefined, text: string, option: string): Name =>
  objectName(namespace === undefined || text.includes('/') ? text : `${namespace}/${text}`, option)

/** `<>` and the empty text are the null reverse-path. @throws UsageError */
export const reversePath = (text: string): string =>
  text === '<>' || text === '' ? '' : withoutBrackets(text, '--from')

/** For commander: `--to` may be given several times, and each adds an address. @throws UsageError */
export const forwardPaths = (text: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  withoutBrackets(text, '--to'),
]

/** We put the brackets around an address ourselves, so the text must not have any, nor a name before them. */
function withoutBrackets(text: string, option: string): string {
  if (text !== '' && !/[<>\r\n]/.test(text)) return text
  throw new UsageError(`${option} ${text}: write the address alone, e.g. you@example.net`)
}

/** @throws UsageError */
export function ipAddress(text: string, option: string): string {
  if (isIP(text) === 0) throw new UsageError(`${option} ${text}: write an IP address, e.g. 192.0.2.7`)
  return text
}

/** `127.0.0.1:9466`, `[::]:9466`. @throws UsageError */
export function hostAndPort(text: string, option: string): { readonly host: string; readonly port: number } {
  const [, six, four, port] = /^(?:\[([0-9a-f:.]+)\]|([^:\s]+)):([0-9]{1,5})$/i.exec(text) ?? []
  const host = six ?? four ?? ''
  if (host === '' || Number(port) > 65_535) throw new UsageError(`${option} ${text}: write HOST:PORT, e.g. [::]:9466`)
  return { host, port: Number(port) }
}

/** @throws UsageError */
export function namespaceName(text: string, option: string): string {
  if (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text)) return text
  throw new UsageError(`${option} ${text}: write the name of a namespace, e.g. mail`)
}

/** A whole number from 1 to 999999. @throws UsageError */
export function wholeNumber(text: string, option: string): number {
  if (/^[1-9][0-9]{0,5}$/.test(text)) return Number(text)
  throw new UsageError(`${option} ${text}: write a whole number from 1 on, e.g. 100`)
}
