/** Puts a fleet's configuration on disk: first every file that relay.json names, then relay.json itself. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type ListenerConfig, printConfig, signingKeyFilesOf } from '../../relay/config.ts'
import { type Issued, issue } from '../ca.ts'
import type { CompiledFleet, FileSource } from '../compile/compiled.ts'
import { pairServes } from '../issued-pair.ts'
import { replaceFile, textOf } from './files.ts'
import type { FleetFolder } from './state.ts'

export type RunningFleet = Extract<CompiledFleet, { kind: 'run' }>
export type Reference = Exclude<FileSource['from'], { kind: 'issued' }>

export type FileSources = {
  readonly authority: Issued
  /** The value of a key of a Secret or ConfigMap; undefined where it is not there. */
  readonly value: (from: Reference) => Uint8Array | undefined
  /** A private key, PEM, by the file that relays find it in; undefined where it is not at hand. */
  readonly signingKey: (senderDomain: string, keyFile: string) => string | undefined
  readonly now: number
}

/** `freed`: files went away that no relay has a use for any more; who waits for a relay to leave one can go on. */
type Written = { readonly changed: boolean; readonly freed: boolean }

/**
 * Writes what differs.
 * @throws Error naming the Secret and key, when one has neither a value now nor one from before.
 */
export async function writeFleet(folder: FleetFolder, fleet: RunningFleet, sources: FileSources): Promise<Written> {
  const referred = fleet.files.map((file) => writeReferred(folder, file, sources))
  const signing = writeSigningKeys(folder, fleet, sources)
  const issued: boolean[] = []
  for (const { tls } of fleet.config.listeners) issued.push(await writeIssued(folder, fleet, tls, sources))
  const configured = replaceFile(folder.configFile, printConfig(fleet.config))
  // A relay may still be reading what the configuration before this one named.
  const named = new Set(['relay.json', ...fleet.files.map((f) => f.path), ...signingKeyFilesOf(fleet.config)])
  return {
    changed: configured || referred.includes(true) || signing || issued.includes(true),
    freed: !configured && prune(folder, named),
  }
}

/** One that is not at hand stays as it was: the relays know what to do without it. */
function writeSigningKeys(folder: FleetFolder, { config }: RunningFleet, { signingKey }: FileSources): boolean {
  const written = (config.signing ?? []).flatMap(({ senderDomain, keys }) =>
    keys.map(({ keyFile }) => {
      const pem = signingKey(senderDomain, keyFile)
      return pem !== undefined && replaceFile(join(folder.config, keyFile), pem)
    }),
  )
  return written.includes(true)
}

function writeReferred(folder: FleetFolder, { path, from }: FileSource, { value }: FileSources): boolean {
  if (from.kind === 'issued') return false
  const bytes = value(from)
  const file = join(folder.config, path)
  if (bytes !== undefined) return replaceFile(file, bytes)
  // A Secret that disappears leaves its last good content in use.
  if (existsSync(file)) return false
  throw new Error(`${from.kind} ${from.name} has no key ${from.key}; add it to the YAML directory`)
}

async function writeIssued(
  folder: FleetFolder,
  fleet: RunningFleet,
  { certificateFile, keyFile }: ListenerConfig['tls'],
  { authority, now }: FileSources,
): Promise<boolean> {
  const from = fleet.files.find((f) => f.path === certificateFile)?.from
  if (from?.kind !== 'issued') return false
  const certificate = textOf(join(folder.config, certificateFile))
  const key = textOf(join(folder.config, keyFile))
  if (await pairServes({ certificate, key }, authority, from.hosts, now)) return false
  const fresh = await issue(authority, from.hosts, now)
  replaceFile(join(folder.config, keyFile), fresh.key)
  replaceFile(join(folder.config, certificateFile), fresh.certificate)
  return true
}

function prune(folder: FleetFolder, named: ReadonlySet<string>): boolean {
  const files = readdirSync(folder.config, { recursive: true, withFileTypes: true }).filter((e) => e.isFile())
  const paths = files.map((file) => join(file.parentPath, file.name))
  const unnamed = paths.filter((path) => !named.has(path.slice(folder.config.length + 1)))
  for (const path of unnamed) rmSync(path, { force: true })
  return unnamed.length > 0
}
