/** Writes a fleet's configuration to disk: first every file that relay.json names, and then relay.json itself. */
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
  /** The value of a key of a Secret or ConfigMap; undefined where there is none. */
  readonly value: (from: Reference) => Uint8Array | undefined
  /** A DKIM private key (PEM) by the name of its file; undefined where it is not at hand. */
  readonly signingKey: (senderDomain: string, keyFile: string) => string | undefined
  readonly now: number
}

/** `freed`: files that the relay no longer uses were removed, e.g. a DKIM key, whose next stage waits for that. */
type Written = { readonly changed: boolean; readonly freed: boolean }

/**
 * Writes whatever differs.
 * @throws Error naming the Secret and the key for which there is no value, and no file from before either.
 */
export async function writeFleet(folder: FleetFolder, fleet: RunningFleet, sources: FileSources): Promise<Written> {
  const referred = fleet.files.map((file) => writeReferred(folder, file, sources))
  const signing = writeSigningKeys(folder, fleet, sources)
  const issued: boolean[] = []
  for (const { tls } of fleet.config.listeners) issued.push(await writeIssued(folder, fleet, tls, sources))
  const configured = replaceFile(folder.configFile, printConfig(fleet.config))
  // Files are removed only at the next call without a change: now, the relay may still be reading those of the earlier
  // configuration.
  const named = new Set(['relay.json', ...fleet.files.map((f) => f.path), ...signingKeyFilesOf(fleet.config)])
  return {
    changed: configured || referred.includes(true) || signing || issued.includes(true),
    freed: !configured && prune(folder, named),
  }
}

/** A key that is not at hand stays as it is on disk; relays can do without it. */
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
