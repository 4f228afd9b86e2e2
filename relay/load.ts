/** Loads a configuration as one consistent whole; a file that went bad leaves its last good content in use. */
import { isUtf8 } from 'node:buffer'
import { dirname, join } from 'node:path'
import {
  configHash,
  filesOf,
  type ListenerConfig,
  type LoadedConfig,
  parseConfig,
  printConfig,
  type RelayConfig,
  type SigningKeyConfig,
  secretIn,
  serversOf,
  signingKeyFilesOf,
} from './config.ts'
import { ConfigOctets } from './config-octets.ts'
import { joinText, onePiece } from './config-text.ts'
import { type Validity, validityOf } from './inbound/validity.ts'
import { lessRevoked, withoutNewProofs } from './less-revoked.ts'
import { readSigningKey } from './mail/signing-key.ts'
import { printAuthority, readAuthority } from './rules/certificate.ts'
import { pairProblem } from './rules/certificate-pair.ts'

/** So often at most a text that is another one each time is read at once: all else of the process waits for that. */
const mostLooks = 3

type HoldsAt = (now: number) => boolean

export type Loaded = LoadedConfig & {
  /** Files that could not be used as they are, each with the reason; their last good content is in force. */
  readonly stale: ReadonlyMap<string, string>
  /** Whether a load at another time (milliseconds since the epoch) would choose the same certificates. Absent: at any time. */
  readonly holdsAt?: HoldsAt
  /** Why the newest configuration can not be used; this one is what ran before, less the rights that the newest takes away. */
  readonly refused?: string
}

/** The parsed text, which is what most of the time goes to; so it can be made in a turn of its own, before the rest. */
export type Draft = { readonly text: string; readonly config: RelayConfig }

/** @throws Error naming the file or field. */
export function draftConfig(directory: string): Draft {
  const text = configText(directory, new ConfigOctets(directory))
  return { text, config: parsed(directory, text) }
}

/**
 * Reads relay.json in `directory` (or its parts), and every file that it names; `octets` remembers what was read. A configuration
 * that can not be used while another one is in force (`previous`), as one that names a file which never was there, or has a field
 * of a newer version, waits as `refused`; the rights that it takes away do not wait.
 * @throws Error naming the file or field where nothing can be used, or the text itself can not be read.
 */
export function loadConfig(
  directory: string,
  previous?: Loaded,
  octets = new ConfigOctets(directory),
  draft?: Draft,
  now = Date.now(),
): Loaded {
  const load = (wanted: Draft): Loaded => withFiles(directory, wanted, previous, octets, now)
  for (let looks = 1; ; looks += 1) {
    const text = configText(directory, octets)
    const parse = (): RelayConfig => (draft?.text === text ? draft.config : parsed(directory, text))
    const outcome = wholeOr(previous, text, parse, load)
    // A file may have been replaced while its neighbours were read: old or new, never a mix. `octets` has to learn of this look, too:
    // after one that failed, all would else be as it was read, and the failure would be the outcome for good. Of the last one it knows
    // only what was loaded, so that the next load finds what has changed since.
    if (looks === mostLooks || configText(directory, octets) === text) return outcome
  }
}

/**
 * The wanted configuration, or what ran before less what the wanted one takes away. That is loaded too, since its own files go on
 * changing meanwhile: certificates, passwords, authorities.
 */
function wholeOr(
  previous: Loaded | undefined,
  wanted: string,
  parse: () => RelayConfig,
  load: (draft: Draft) => Loaded,
): Loaded {
  let config: RelayConfig | undefined
  try {
    config = parse()
    return load({ text: wanted, config })
  } catch (error) {
    const now = previous && (config ?? understoodIn(wanted, previous.config))
    if (previous === undefined || now === undefined) throw error
    const refused = (error as Error).message
    const less = lessRevoked(previous.config, now)
    const text = printConfig(less)
    const left = load({ text, config: less })
    return { ...left, ...(text === printConfig(previous.config) && { hash: previous.hash }), refused }
  }
}

/** What this version understands of a configuration of a newer one, which is enough to tell what that takes away. */
function understoodIn(text: string, running: RelayConfig): RelayConfig | undefined {
  try {
    return withoutNewProofs(parseConfig(text, 'left out'), running)
  } catch {
    return undefined
  }
}

function withFiles(
  directory: string,
  { text, config }: Draft,
  previous: Loaded | undefined,
  octets: ConfigOctets,
  now: number,
): Loaded {
  const files = new Map<string, string>()
  const stale = new Map<string, string>()
  const dispensable = new Set(signingKeyFilesOf(config))
  const logins = new Set(loginsOf(config).flat())
  for (const path of filesOf(config)) {
    const { content, problem } = contentOf(octets, path, logins.has(path))
    const kept = content ?? previous?.files.get(path)
    if (kept === undefined && dispensable.has(path)) continue
    if (kept === undefined)
      throw new Error(`${join(directory, path)} is ${problem}, and there is no earlier content of it`)
    if (content === undefined) stale.set(path, `it is ${problem}`)
    files.set(path, kept)
  }
  const reading = { config, files, stale, previous }
  keepGoodCertificates(reading)
  const kept = config.listeners.flatMap(({ tls }) => keepCurrentCertificate(tls, reading, now) ?? [])
  keepGoodAuthorities(reading)
  keepGoodLogins(reading)
  keepGoodSigningKeys(reading)
  return {
    config,
    hash: configHash(text),
    files,
    stale,
    ...(kept.length > 0 && { holdsAt: (at) => kept.every((holdsAt) => holdsAt(at)) }),
  }
}

function configText(directory: string, octets: ConfigOctets): string {
  try {
    return joinText(octets.list(), (name) => named(name, () => octets.read(name)))
  } catch (error) {
    throw new Error(`${directory}: ${(error as Error).message}`)
  }
}

/** @throws what was thrown, with the file that it is about. */
function named<T>(name: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`)
  }
}

function parsed(directory: string, text: string): RelayConfig {
  try {
    return parseConfig(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new Error(`${join(directory, onePiece)} is no JSON: ${error.message}`)
  }
}

/** One of both. */
type Read = { readonly content?: string; readonly problem?: string }

/**
 * With the system's code: a file that is missing (ENOENT) is mended elsewhere than one without the right to read it (EACCES). Half of
 * a login that was saved in UTF-16 or Latin-1 looks right to its owner, and would be refused as U+FFFD; of a certificate only the
 * comments may be in such a code.
 */
function contentOf(octets: ConfigOctets, path: string, isLogin: boolean): Read {
  try {
    const read = octets.read(path)
    if (isLogin && (!isUtf8(read) || read.includes(0))) return { problem: 'no text in UTF-8' }
    return { content: read.toString() }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return { problem: `not readable (${code ?? message})` }
  }
}

/** A configuration's files as they will be used. `stale`: those of them that keep their last good content, and why. */
type Reading = {
  readonly config: RelayConfig
  readonly files: Map<string, string>
  readonly stale: Map<string, string>
  readonly previous: LoadedConfig | undefined
}

/** Where a certificate and its key do not belong together, or are none, the last good pair stays in use. */
function keepGoodCertificates({ config, files, stale, previous }: Reading): void {
  for (const { name, tls } of config.listeners) {
    const problem = pairProblem(tls, files)
    if (problem === undefined) continue
    const certificate = previous?.files.get(tls.certificateFile)
    const key = previous?.files.get(tls.keyFile)
    if (certificate === undefined || key === undefined) {
      throw new Error(`the certificate of listener ${name} can not be used: ${problem}`)
    }
    files.set(tls.certificateFile, certificate).set(tls.keyFile, key)
    // Where one is not there, it is not the fault of the other that they do not belong together.
    if (!stale.has(tls.certificateFile) && !stale.has(tls.keyFile)) stale.set(tls.certificateFile, problem)
  }
}

/**
 * Where a certificate has expired, or is not valid yet, the last good pair stays in use while that is valid, since clients would
 * refuse the new one. Returns a function that tells whether the last good pair would be kept at another time, too; undefined: it
 * is not kept.
 */
function keepCurrentCertificate(tls: ListenerConfig['tls'], reading: Reading, now: number): HoldsAt | undefined {
  const { files, stale, previous = { files } } = reading
  const pairIn = (of: LoadedConfig['files']) => [of.get(tls.certificateFile), of.get(tls.keyFile)] as const
  const [[wanted = ''], [known = '', key = '']] = [pairIn(files), pairIn(previous.files)]
  if (wanted === known || pairProblem(tls, previous.files) !== undefined) return undefined
  const [its, before] = [validityOf(wanted), validityOf(known)]
  const holdsAt = (at: number): boolean => untimely(its, at) !== undefined && untimely(before, at) === undefined
  if (!holdsAt(now)) return undefined
  files.set(tls.certificateFile, known).set(tls.keyFile, key)
  stale.set(tls.certificateFile, untimely(its, now) ?? '')
  return holdsAt
}

function untimely({ notBefore, notAfter }: Validity, now: number): string | undefined {
  if (now < notBefore.getTime()) return `it is not valid before ${secondText(notBefore)}`
  return now > notAfter.getTime() ? `it ended at ${secondText(notAfter)}` : undefined
}

const secondText = (at: Date): string => at.toISOString().replace('.000Z', 'Z')

/**
 * Node takes any text for a list of authorities, and would trust nobody by it: where it holds none, the last good file stays in
 * use.
 */
function keepGoodAuthorities({ config, files, stale, previous }: Reading): void {
  const authorities = [
    ...config.listeners.flatMap((l) => l.clientCertificates?.caFile ?? []),
    ...serversOf(config).flatMap(({ tls }) => tls.caFile ?? []),
  ]
  for (const path of new Set(authorities)) {
    const problem = problemOf(() => files.set(path, printAuthority(readAuthority(path, files.get(path) ?? ''))))
    if (problem === undefined) continue
    const kept = previous?.files.get(path)
    if (kept === undefined) throw new Error(`${path} can not be used: ${problem}`)
    files.set(path, kept)
    stale.set(path, problem)
  }
}

/**
 * An empty username or password (a slip of the hand in a Secret) gets in nowhere, and one that is not there may not go with a new one
 * of the other: the last good login of that server stays in use.
 */
function keepGoodLogins({ config, files, stale, previous }: Reading): void {
  for (const pair of loginsOf(config)) {
    const bad = pair.find((path) => stale.has(path) || secretIn({ files }, path) === '')
    if (bad === undefined || previous === undefined || pair.some((path) => !secretIn(previous, path))) continue
    for (const path of pair) files.set(path, previous.files.get(path) ?? '')
    stale.set(bad, stale.get(bad) ?? 'it is empty')
  }
}

/** The two files of each login at a server. */
const loginsOf = (config: RelayConfig): readonly (readonly string[])[] =>
  serversOf(config).flatMap(({ auth }) => (auth === undefined ? [] : [[auth.usernameFile, auth.passwordFile]]))

function problemOf(use: () => unknown): string | undefined {
  try {
    use()
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/**
 * Where a signing key can not be used, the last good one stays in use. Without one the configuration is in force all the same:
 * other domains are not to suffer for it, and `whenBroken` says what becomes of this domain's mail.
 */
function keepGoodSigningKeys({ config, files, stale, previous }: Reading): void {
  const problemWith = (domain: string, key: SigningKeyConfig, pem: string | undefined): string | undefined => {
    const read = readSigningKey(domain, key, pem)
    return typeof read === 'string' ? read : undefined
  }
  for (const { domain, keys } of config.signing ?? []) {
    for (const key of keys) {
      const [found, before] = [files.get(key.keyFile), previous?.files.get(key.keyFile)]
      if (found === before || before === undefined) continue
      const problem = problemWith(domain, key, found)
      if (problem === undefined || problemWith(domain, key, before) !== undefined) continue
      files.set(key.keyFile, before)
      stale.set(key.keyFile, problem)
    }
  }
}

/** The folders to watch: that of the configuration, and those of the files that it names. */
export const foldersOf = (directory: string, { config }: LoadedConfig): readonly string[] => [
  ...new Set([directory, ...filesOf(config).map((file) => dirname(join(directory, file)))]),
]

/** Each stale file with the reason: `path (reason)`. */
export const toldStale = ({ stale }: Loaded): readonly string[] => [...stale].map(([file, why]) => `${file} (${why})`)

/** Whether two loads do the same, and say the same about it. */
export const sameConfig = (a: Loaded, b: Loaded): boolean =>
  a.hash === b.hash &&
  a.refused === b.refused &&
  toldStale(a).join() === toldStale(b).join() &&
  a.files.size === b.files.size &&
  [...a.files].every(([path, text]) => b.files.get(path) === text)
