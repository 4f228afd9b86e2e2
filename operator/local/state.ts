/** The layout of the state folder, in which local mode keeps everything of its fleets. */
import { accessSync, constants, type Dirent, existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Name, namespaceOf, splitName } from '../compile/snapshot.ts'
import { diskTrouble } from './disk-trouble.ts'
import { isAbsent, Unread } from './files.ts'

export const defaultState = '.relayfleet'

export type FleetFolder = {
  readonly root: string
  /** What the relay obeys: relay.json and the files that it names. */
  readonly config: string
  readonly configFile: string
  readonly spool: string
  readonly inbox: string
  readonly endpoints: string
  readonly log: string
  /** This file exists while the policy asks for no relay, so that the fleet stays stopped while the policy is invalid. */
  readonly stopped: string
}

export type State = {
  readonly root: string
  readonly statusFile: string
  readonly lockFile: string
  readonly caCertificate: string
  readonly caKey: string
  secrets(namespace: string): string
  secret(namespace: string, name: string): string
  /** The file with the recorded keys of a RelayCredential. */
  keysFile(credential: Name): string
  /** The RelayCredentials of a namespace that have such a file. */
  recorded(namespace: string): readonly Name[]
  /** The folder with the DKIM keys of a namespace; each SenderDomain has a folder in it. */
  signingKeys(namespace: string): string
  /** The folder with the DKIM keys of one SenderDomain. */
  domainKeys(domain: Name): string
  fleet(policy: Name): FleetFolder
  /** Every fleet that has a folder, running or not. */
  fleets(): readonly Name[]
  namespaces(): readonly string[]
}

const isName = (text: string): boolean => /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text)

// Names become folders. Names that could lead out of the state folder are refused when YAML is read; this is a second barrier.
function segment(name: string): string {
  if (!isName(name)) throw new Error(`${JSON.stringify(name)} is no Kubernetes name`)
  return name
}

/** What is in a folder; nothing, where there is none. @throws Unread: what is in it may be in use. */
function entriesIn(directory: string): readonly Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
  } catch (error) {
    if (isAbsent(error) || (error as NodeJS.ErrnoException).code === 'ENOTDIR') return []
    throw new Unread(`the folder ${directory} can not be read: ${diskTrouble(error)}`)
  }
}

/** The subfolders whose names can be names of objects; anything else there is not ours. @throws Unread */
export const foldersIn = (directory: string): readonly string[] =>
  entriesIn(directory)
    .filter((e) => e.isDirectory() && isName(e.name))
    .map((e) => e.name)
    .toSorted()

const filesIn = (directory: string, ending: string): readonly string[] =>
  entriesIn(directory)
    .filter(({ name }) => name.endsWith(ending))
    .map(({ name }) => name.slice(0, -ending.length))
    .filter(isName)

/**
 * A file's name, and that of its temporary file, may have 255 octets; an object's name may have 253, so a longer one gets a
 * folder.
 */
const longestRecorded = 255 - '.json.tmp'.length

const recordIn = (folder: string, name: string): string =>
  name.length <= longestRecorded ? join(folder, `${name}.json`) : join(folder, name, 'keys.json')

const recordsIn = (folder: string): readonly string[] => [
  ...filesIn(folder, '.json'),
  ...foldersIn(folder).filter((name) => existsSync(recordIn(folder, name))),
]

/** A missing folder counts as empty. @throws Unread */
function mayRead(root: string): void {
  try {
    // With the slash, a plain file gives ENOTDIR instead of a misleading EACCES.
    accessSync(`${root}/`, constants.R_OK | constants.X_OK)
  } catch (error) {
    if (isAbsent(error)) return
    throw new Unread(`the state folder ${root} can not be read: ${diskTrouble(error)}, or give another --state`)
  }
}

export function stateAt(directory: string): State {
  const root = resolve(directory)
  const secrets = (namespace: string): string => join(root, segment(namespace), 'secrets')
  const keys = (namespace: string): string => join(root, segment(namespace), 'keys')
  const fleets = (namespace: string): string => join(root, segment(namespace), 'fleets')
  const signingKeys = (namespace: string): string => join(root, segment(namespace), 'dkim')
  const namespaces = (): readonly string[] => {
    mayRead(root)
    return foldersIn(root)
  }
  return {
    root,
    statusFile: join(root, 'status.yaml'),
    lockFile: join(root, 'lock'),
    caCertificate: join(root, 'ca', 'ca.crt'),
    caKey: join(root, 'ca', 'ca.key'),
    secrets,
    secret: (namespace, name) => join(secrets(namespace), segment(name)),
    keysFile: (credential) => recordIn(keys(namespaceOf(credential)), segment(splitName(credential).name)),
    recorded: (namespace) => recordsIn(keys(namespace)).map((name): Name => `${namespace}/${name}`),
    signingKeys,
    domainKeys: (domain) => join(signingKeys(namespaceOf(domain)), segment(splitName(domain).name)),
    fleet: (policy) => fleetFolder(join(fleets(namespaceOf(policy)), segment(splitName(policy).name))),
    fleets: () => namespaces().flatMap((ns) => foldersIn(fleets(ns)).map((name): Name => `${ns}/${name}`)),
    namespaces,
  }
}

const fleetFolder = (root: string): FleetFolder => ({
  root,
  config: join(root, 'config'),
  configFile: join(root, 'config', 'relay.json'),
  spool: join(root, 'spool'),
  inbox: join(root, 'inbox'),
  endpoints: join(root, 'endpoints.json'),
  log: join(root, 'relay.log'),
  stopped: join(root, 'stopped'),
})
