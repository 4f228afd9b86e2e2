/** The receiving half of the relay: its listeners and their sessions, by the configuration that was reconciled last. */
import type { ListenerConfig, LoadedConfig } from '../config.ts'
import type { Events } from '../events.ts'
import { Headroom } from '../headroom.ts'
import type { CertificateStatus } from '../http.ts'
import type { KeyUses } from '../keys/key-uses.ts'
import { Keyrings } from '../keys/keyrings.ts'
import type { Keyring } from '../mail/keyring.ts'
import { type Anchors, anchorsIn, readAuthority } from '../rules/certificate.ts'
import { indexCredentials } from '../rules/login.ts'
import { Turns } from '../turns.ts'
import { within } from '../within.ts'
import { Acquaintances } from './acquaintances.ts'
import type { Begin } from './connection.ts'
import { Conversation, type Line } from './conversation.ts'
import type { Certificate } from './handshakes.ts'
import { Held } from './held.ts'
import type { Inbound, InForce } from './inbound.ts'
import { Lockout } from './lockout.ts'
import { Presence } from './presence.ts'
import { type Listener, openListener } from './server.ts'
import { Settling } from './settling.ts'
import { type Validity, validityOf } from './validity.ts'

export type Submission = {
  /**
   * Opens new listeners, closes removed ones (their sessions go on), updates certificates in place.
   * @throws Error naming each listener that can not be opened or updated; the others are up, and one that can not be
   * moved to another port stays at its old one.
   */
  reconcile(loaded: LoadedConfig): Promise<void>
  /** Every listener that is open, with the port that it has: for port 0 in the configuration the system has chosen one. */
  addresses(): readonly { name: string; address: string; port: number }[]
  /** The certificate that each open listener shows to new sessions. */
  certificates(): readonly CertificateStatus[]
  readonly sessions: number
  /** Listeners stay open, and new clients are sent away with 421; so are open sessions, as soon as their transaction is over. */
  shut(): void
  reopen(): void
  /** It was shut, and every session that was open then has ended: nothing new comes into the spool from here on. */
  readonly isShut: boolean
  /**
   * Closes the listeners; idle sessions get 421, and open transactions may finish within `graceMs`, then they get 421, too. For as long
   * it waits for mail whose client is gone.
   */
  close(graceMs: number): Promise<void>
}

/** So long a client that was cut off has to read the reply that says so, and to leave; all of the end has to fit into a kubelet's patience. */
const lastReplyMs = 1000

type Parts = {
  readonly spool: Inbound['spool']
  readonly events: Events
  readonly allowances: Inbound['allowances']
  readonly keyUses: KeyUses
  readonly now?: () => number
  readonly monotonic?: () => number
  readonly maxSessions?: number
  readonly turns?: Turns
  readonly headroom?: Headroom
  readonly keyrings?: Keyrings
}
type Open = Validity & Pick<ListenerConfig, 'name' | 'address'> & { readonly listener: Listener }

export function createSubmission({
  spool,
  events,
  allowances,
  keyUses,
  now = Date.now,
  monotonic = () => performance.now(),
  maxSessions = Infinity,
  turns = new Turns(),
  headroom = new Headroom(),
  keyrings = new Keyrings(),
}: Parts): Submission {
  let current: InForce | undefined
  let applied: LoadedConfig | undefined
  const inForce = (): InForce => {
    if (!current) throw new Error('no configuration is in force yet')
    return current
  }
  const presence = new Presence()
  const settling = new Settling()
  let shut = false
  const isShut = (): boolean => shut
  const inbound: Inbound = {
    spool,
    events,
    allowances,
    keyUses,
    lockout: new Lockout(),
    presence,
    held: new Held(),
    settling,
    acquaintances: new Acquaintances(),
    turns,
    headroom,
    maxSessions,
    now,
    monotonic,
    inForce,
    isShut,
  }
  const lines = new Set<Line>()
  /** The sessions that were open when it was shut, and have not ended since. */
  const lastLines = new Set<Line>()
  const open = new Map<string, Open>()
  let noneLeft = (): void => {}

  const begin =
    (listener: string): Begin =>
    (who, line) => {
      lines.add(line)
      const ended = (): void => {
        lines.delete(line)
        lastLines.delete(line)
        if (lines.size === 0) noneLeft()
      }
      return new Conversation(inbound, { ...who, listener }, line, ended)
    }

  function putInForce(loaded: LoadedConfig): void {
    // When a listener is only tried again, the index is not made again: that takes 40 ms with 10,000 credentials.
    if (applied === loaded) return
    if (current) inbound.lockout.forgetEnded(current.config.authFailures, monotonic())
    current = inForceFrom(loaded, keyrings.of(loaded), current)
    applied = loaded
  }

  function stop(key: string, { name, listener }: Open): void {
    listener.stop()
    open.delete(key)
    events.stopped(name)
    // A listener that moves is opened at its new port before it is stopped here: then its certificate is still in use.
    if (![...open.values()].some((o) => o.name === name)) events.noCertificate(name)
  }

  async function openOrRenew(config: ListenerConfig, files: LoadedConfig['files']): Promise<void> {
    const { name, address } = config
    const certificate = certificateOf(config, files)
    const validity = validityOf(certificate.cert)
    const shows = (key: string, door: Pick<Open, 'address' | 'listener'>): void => {
      open.set(key, { ...door, name, ...validity })
      events.certificate(name, validity.notAfter.getTime())
    }
    // One that is to move, too: where it can not, it stays at its old port, and its certificate would end there.
    for (const [key, door] of open) {
      if (door.name !== name) continue
      door.listener.renew(certificate, config)
      shows(key, door)
    }
    if (open.has(keyOf(config))) return
    const listener = await openListener(config, certificate, begin(name))
    shows(keyOf(config), { address, listener })
    events.listening(name, listener.address, listener.port)
  }

  /** Resolves when all sessions have ended, which they have soon after `graceMs`. */
  async function endAll(graceMs: number): Promise<void> {
    const empty = new Promise<void>((resolve) => {
      noneLeft = resolve
    })
    for (const line of lines) line.drain()
    if (lines.size === 0) return
    let deadline = setTimeout(() => {
      for (const line of lines) line.cutOff()
      deadline = setTimeout(() => {
        for (const line of lines) line.destroy()
      }, lastReplyMs)
    }, graceMs)
    await empty
    clearTimeout(deadline)
  }

  /** The problems, by the listener's name; the other listeners are up. */
  async function openAll(listeners: readonly ListenerConfig[], files: LoadedConfig['files']) {
    const problems = new Map<string, string>()
    for (const listener of listeners) {
      try {
        await openOrRenew(listener, files)
      } catch (error) {
        problems.set(listener.name, problemWith(listener, error))
      }
    }
    return problems
  }

  return {
    async reconcile(loaded) {
      const { config, files } = loaded
      putInForce(loaded)
      const wanted = new Set(config.listeners.map(keyOf))
      const leaving = [...open].filter(([key]) => !wanted.has(key))
      for (const [key, door] of leaving) if (goesAtOnce(config.listeners, door)) stop(key, door)
      const problems = await openAll(config.listeners, files)
      // A listener that could not be opened at its new port stays at the old one: better there than nowhere.
      for (const [key, door] of leaving) if (open.has(key) && !problems.has(door.name)) stop(key, door)
      if (problems.size > 0) throw new Error([...problems.values()].join('; '))
    },
    addresses: () => [...open.values()].map(({ name, listener: { address, port } }) => ({ name, address, port })),
    certificates: () =>
      [...open.values()].map(({ name, notBefore, notAfter }) => ({
        listener: name,
        notBefore: notBefore.toISOString(),
        notAfter: notAfter.toISOString(),
      })),
    get sessions() {
      return presence.all
    },
    shut() {
      if (shut) return
      shut = true
      for (const line of lines) lastLines.add(line)
      for (const line of lastLines) line.drain()
    },
    reopen() {
      shut = false
    },
    get isShut() {
      return shut && lastLines.size === 0
    },
    async close(graceMs) {
      for (const [key, door] of open) stop(key, door)
      const end = monotonic() + graceMs
      await endAll(graceMs)
      await within(Math.max(0, end - monotonic()), settling.done())
    },
  }
}

const inForceFrom = (loaded: LoadedConfig, keyring: Keyring, before: InForce | undefined): InForce => ({
  config: loaded.config,
  index: indexCredentials(loaded.config, anchorsOf(loaded)),
  keyring,
  revision: (before?.revision ?? 0) + 1,
})

/** What makes it the same listener: with another address, port or mode it has to be opened anew. */
const keyOf = ({ name, address, port, tls }: ListenerConfig): string => JSON.stringify([name, address, port, tls.mode])

/**
 * Two listeners can not share an address and port, whatever else differs: the open one has to be closed first. And one whose name the
 * configuration does not have any more takes nobody: what it asked of its clients is written nowhere.
 */
const goesAtOnce = (wanted: readonly ListenerConfig[], { name, address, listener: { port } }: Open): boolean =>
  wanted.some((l) => l.port === port && l.address === address) || !wanted.some((l) => l.name === name)

function certificateOf({ tls, clientCertificates }: ListenerConfig, files: LoadedConfig['files']): Certificate {
  const [cert, key] = [files.get(tls.certificateFile), files.get(tls.keyFile)]
  if (cert === undefined || key === undefined) throw new Error(`${tls.certificateFile} or ${tls.keyFile} is missing`)
  const ca = clientCertificates && files.get(clientCertificates.caFile)
  return { cert, key, ...(ca !== undefined && { ca }) }
}

/** The certificates of each file of client authorities; a file that holds none vouches for nobody. */
function anchorsOf({ config, files }: LoadedConfig): Anchors {
  const caFiles = config.listeners.flatMap((l) => l.clientCertificates?.caFile ?? [])
  return new Map([...new Set(caFiles)].map((file) => [file, anchorsInFile(file, files.get(file) ?? '')]))
}

function anchorsInFile(file: string, text: string): ReadonlySet<string> {
  try {
    return anchorsIn(readAuthority(file, text))
  } catch {
    return new Set()
  }
}

const problemWith = ({ name, address, port }: ListenerConfig, error: unknown): string =>
  `listener ${name} on ${address} port ${port}: ${error instanceof Error ? error.message : String(error)}`
