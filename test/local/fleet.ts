/** Runs a directory of YAML: `relayfleet local` as a process of its own, with its credentials and its relays. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { kubectlYaml } from '../../crds/kubectl-yaml.ts'
import { configHash } from '../../relay/config.ts'
import type { RelayStatus } from '../../relay/http.ts'
import { cli } from '../shipped.ts'
import type { Document } from './documents.ts'
import { end } from './receiver.ts'
import type { Access } from './smtp-session.ts'
import { until } from './until.ts'

type Condition = { readonly type: string; readonly status: string; readonly reason: string; readonly message: string }
type Statuses = Readonly<Record<string, { readonly conditions: readonly Condition[] }>>

/** What an application reads in its binding Secret. */
export type Binding = Access & {
  readonly login: { readonly username: string; readonly password: string }
}

export type Fleet = {
  readonly folder: string
  /** The process id of the only relay. */
  pid(): number
  status(): Promise<RelayStatus>
  /** The port of the relay's HTTP pages. */
  httpPort(): number
  page(path: string): Promise<string>
  /** The value of the first line of /metrics that matches, names and labels as they are written there; 0 without one. */
  metric(sample: RegExp): Promise<number>
  binding(credential: string): Binding
  /** Writes one object's file, in one step, as editors do. */
  write(document: Document): void
  /** Writes any text into the file `name`.yaml of the directory. */
  writeText(name: string, text: string): void
  condition(object: string, type: string): Condition | undefined
  /** Resolves with the hash in force, once the policy is programmed and the relay runs its newest configuration. */
  programmed(): Promise<string>
  /** Everything that the relay has logged. */
  log(): string
  stop(): Promise<void>
}

const fleetPath = 'mail/fleets/shared'

/** Writes the documents, starts `relayfleet local` and waits until the policy `mail/shared` is programmed. */
export async function startFleet(folder: string, documents: readonly Document[]): Promise<Fleet> {
  const yaml = join(folder, 'yaml')
  const state = join(folder, 'state')
  mkdirSync(yaml, { recursive: true })
  const fleet = fleetAt(folder, yaml, state)
  for (const document of documents) fleet.write(document)
  const out = openSync(join(folder, 'local.log'), 'a')
  const child = spawn(process.execPath, [cli, 'local', yaml, '--state', state], { stdio: ['ignore', out, out] })
  await Promise.race([programmed(fleet), endedEarly(child, folder)]).catch(async (error: Error) => {
    await end(child)
    throw error
  })
  return { ...fleet, stop: () => end(child) }
}

const programmed = (fleet: Pick<Fleet, 'programmed'>): Promise<string> => fleet.programmed()

const endedEarly = (child: ChildProcess, folder: string): Promise<never> =>
  new Promise((_, reject) => {
    child.once('exit', () => reject(new Error(`relayfleet local ended: ${readFileSync(join(folder, 'local.log'))}`)))
  })

function fleetAt(folder: string, yaml: string, state: string): Omit<Fleet, 'stop'> {
  const at = (path: string): string => readFileSync(join(state, path), 'utf8')
  const endpoints = (): { pid: number; http: { port: number } } => JSON.parse(at(`${fleetPath}/endpoints.json`))
  const httpPort = (): number => endpoints().http.port
  const page = async (path: string): Promise<string> => (await fetch(`http://127.0.0.1:${httpPort()}${path}`)).text()
  const status = async (): Promise<RelayStatus> => JSON.parse(await page('/status'))
  const writeText = (name: string, text: string): void => {
    const file = join(yaml, `${name}.yaml`)
    writeFileSync(`${file}.tmp`, text)
    renameSync(`${file}.tmp`, file)
  }
  const condition = (object: string, type: string): Condition | undefined =>
    (parse(at('status.yaml')) as Statuses)[object]?.conditions.find((c) => c.type === type)
  const obeys = async (): Promise<string | false> => {
    try {
      const { hash } = await status()
      const programmed = condition('RelayPolicy mail/shared', 'Programmed')?.status === 'True'
      return programmed && hash === configHash(at(`${fleetPath}/config/relay.json`)) && hash
    } catch {
      return false
    }
  }
  return {
    folder,
    pid: () => endpoints().pid,
    status,
    httpPort,
    page,
    metric: async (sample) => {
      const line = (await page('/metrics')).split('\n').find((l) => sample.test(l))
      return Number(line?.slice(line.lastIndexOf(' ') + 1) ?? 0)
    },
    binding: (credential) => {
      const secrets = `mail/secrets/${credential}`
      const read = (key: string): string => at(`${secrets}/${key}`)
      return {
        host: read('host'),
        port: Number(read('port')),
        tls: 'StartTLS',
        ...(existsSync(join(state, secrets, 'certificates')) && { ca: read('certificates') }),
        login: { username: read('username'), password: read('password') },
      }
    },
    write: (document) => writeText(`${document.kind}-${document.metadata.name}`, kubectlYaml(document)),
    writeText,
    condition,
    programmed: () => until('mail/shared is programmed', obeys, 45_000),
    log: () => at(`${fleetPath}/relay.log`),
  }
}
