/** Writes a fleet's configuration to disk: every file that relay.json names, and relay.json itself behind them. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { printConfig, signingKeyFilesOf } from '../../relay/config.ts'
import { type Issued, issue } from '../ca.ts'
import type { CompiledFleet, FileSource } from '../compile/compiled.ts'
import { pairServes } from '../issued-pair.ts'
import { replaceFiles, textOf } from './files.ts'
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

type File = readonly [path: string, content: string | Uint8Array]

/**
 * Writes whatever differs, all at once: the relay loads what it finds, and a new password is not to be said beside the username or
 * to the smarthost of before.
 * @throws Error naming the Secret and the key for which there is no value, and no file from before either.
 */
export async function writeFleet(folder: FleetFolder, fleet: RunningFleet, sources: FileSources): Promise<Written> {
  const files: readonly File[] = [
    ...fleet.files.flatMap((file) => referred(folder, file, sources)),
    ...signingKeys(folder, fleet, sources),
    ...(await issued(folder, fleet, sources)),
    [folder.configFile, printConfig(fleet.config)],
  ]
  const replaced = replaceFiles(new Map(files))
  // Files are removed only at the next call without a change: now, the relay may still be reading those of the earlier
  // configuration.
  const named = new Set(['relay.json', ...fleet.files.map((f) => f.path), ...signingKeyFilesOf(fleet.config)])
  return { changed: replaced.length > 0, freed: !replaced.includes(folder.configFile) && prune(folder, named) }
}

/** A key that is not at hand stays as it is on disk; relays can do without it. */
function signingKeys(folder: FleetFolder, { config }: RunningFleet, { signingKey }: FileSources): readonly File[] {
  return (config.signing ?? []).flatMap(({ senderDomain, keys }) =>
    keys.flatMap(({ keyFile }): readonly File[] => {
      const pem = signingKey(senderDomain, keyFile)
      return pem === undefined ? [] : [[join(folder.config, keyFile), pem]]
    }),
  )
}

function referred(folder: FleetFolder, { path, from }: FileSource, { value }: FileSources): readonly File[] {
  if (from.kind === 'issued') return []
  const bytes = value(from)
  const file = join(folder.config, path)
  if (bytes !== undefined) return [[file, bytes]]
  // A Secret that disappears leaves its last good content in use.
  if (existsSync(file)) return []
  throw new Error(`${from.kind} ${from.name} has no key ${from.key}; add it to the YAML directory`)
}

/** Certificates of our own authority, for the listeners whose own one does not serve any more. */
async function issued(folder: FleetFolder, fleet: RunningFleet, { authority, now }: FileSources) {
  const files: File[] = []
  for (const { tls } of fleet.config.listeners) {
    const from = fleet.files.find((f) => f.path === tls.certificateFile)?.from
    if (from?.kind !== 'issued') continue
    const [certificateFile, keyFile] = [join(folder.config, tls.certificateFile), join(folder.config, tls.keyFile)]
    const pair = { certificate: textOf(certificateFile), key: textOf(keyFile) }
    if (await pairServes(pair, authority, from.hosts, now)) continue
    const fresh = await issue(authority, from.hosts, now)
    files.push([keyFile, fresh.key], [certificateFile, fresh.certificate])
  }
  return files
}

function prune(folder: FleetFolder, named: ReadonlySet<string>): boolean {
  const files = readdirSync(folder.config, { recursive: true, withFileTypes: true }).filter((e) => e.isFile())
  const paths = files.map((file) => join(file.parentPath, file.name))
  const unnamed = paths.filter((path) => !named.has(path.slice(folder.config.length + 1)))
  for (const path of unnamed) rmSync(path, { force: true })
  return unnamed.length > 0
}
