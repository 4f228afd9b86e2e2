/** Runs submission in a test: on free local ports, with one policy, a few credentials, and everything that it logs. */
import { type ListenerConfig, type LoadedConfig, type RelayConfig, verifierOf } from '../../../relay/config.ts'
import { createEvents, type Events } from '../../../relay/events.ts'
import type { Headroom } from '../../../relay/headroom.ts'
import type { Inbound } from '../../../relay/inbound/inbound.ts'
import { createSubmission, type Submission } from '../../../relay/inbound/submission.ts'
import { KeyUses } from '../../../relay/keys/key-uses.ts'
import { Allowances } from '../../../relay/limits/allowances.ts'
import { createLog } from '../../../relay/log.ts'
import { createMetrics } from '../../../relay/metrics.ts'
import type { Turns } from '../../../relay/turns.ts'
import { makeCertificates } from '../../certificates.ts'
import { clientCertificates } from '../../client-certificates.ts'
import { atRest } from '../at-rest.ts'
import { credential, policy, sender } from '../policy.ts'

/** The login of the credential that most tests use; it owns corp.example. */
export const app = { username: 'app', password: 'app-secret-0123456789' } as const
/** The login of a credential that owns team-b.example. */
export const other = { username: 'other', password: 'other-secret-0123456789' } as const
export const suspended = { username: 'suspended', password: 'suspended-secret-0123456789' } as const

const withPassword = (username: string, password: string, domain: string) =>
  credential({
    name: `apps/${username}`,
    username,
    keys: [{ id: 'k1', verifier: verifierOf(password) }],
    senders: [sender({ senderDomain: `mail/${domain}`, domain })],
  })

/** The credential of service account apps/web, which logs in by its token where the fleet takes tokens; owns corp.example. */
const web = { ...withPassword('web', '', 'corp.example'), keys: [], serviceAccounts: ['apps/web'] }

const tls = { minVersion: '1.2', certificateFile: 'tls.crt', keyFile: 'tls.key' } as const
const local = { address: '127.0.0.1', port: 0, bareNewlines: 'Reject' } as const

export const startTlsListener: ListenerConfig = { ...local, name: 'submission', tls: { ...tls, mode: 'StartTLS' } }
export const implicitListener: ListenerConfig = { ...local, name: 'submissions', tls: { ...tls, mode: 'Implicit' } }

export const baseConfig = policy({
  listeners: [startTlsListener, implicitListener],
  networks: { allow: ['127.0.0.0/8'], deny: [] },
  limits: { ...policy().limits, messageBytes: 1_000_000 },
  credentials: [
    withPassword(app.username, app.password, 'corp.example'),
    withPassword(other.username, other.password, 'team-b.example'),
    { ...withPassword(suspended.username, suspended.password, 'corp.example'), suspended: true },
    web,
  ],
  queue: { maxBytes: 1_000_000_000, maxAgeMs: 86_400_000 },
  evidence: { addresses: 'Clear' },
})

const device = ['URI:spiffe://corp.example/web', 'DNS:device.corp.example', 'email:device@corp.example']

/** A configuration whose listeners ask for client certificates, with two credentials that have one. */
export const certificateConfig = (mode: 'Optional' | 'Required' = 'Optional'): RelayConfig => ({
  ...baseConfig,
  listeners: baseConfig.listeners.map((l) => ({ ...l, clientCertificates: { mode, caFile: 'clients.crt' } })),
  credentials: [
    ...baseConfig.credentials,
    { ...withPassword('device', '', 'corp.example'), keys: [], certificate: { caFile: 'clients.crt', names: device } },
    {
      ...withPassword('printer', '', 'corp.example'),
      keys: [],
      certificate: { caFile: 'clients.crt', names: ['DNS:printer.corp.example'] },
    },
  ],
})

let certificates: Promise<{ ca: string; cert: string; key: string }> | undefined
/** One certificate and key for all tests of a process, made when the first one asks. */
export const testCertificates = () => (certificates ??= makeCertificates(['localhost', '127.0.0.1']))

/** `authorities` is the text of clients.crt, which listeners that ask for certificates name. */
export async function load(config: RelayConfig, authorities?: string): Promise<LoadedConfig> {
  const { cert, key } = await testCertificates()
  return {
    config,
    hash: 'sha256:test',
    files: new Map([
      ['tls.crt', cert],
      ['tls.key', key],
      ['clients.crt', authorities ?? (await clientCertificates()).authorities.authority.pem],
    ]),
  }
}

/** One line of the log. */
export type Told = { readonly msg: string; readonly [field: string]: unknown }

/** Events whose log lines are collected in a list, and their metrics. */
export function tellingEvents(): { events: Events; told: Told[]; metrics: ReturnType<typeof createMetrics> } {
  const told: Told[] = []
  const output = {
    write: (line: string) => {
      told.push(JSON.parse(line) as Told)
    },
  }
  const metrics = createMetrics('mail/shared', () => atRest)
  return { events: createEvents(createLog(output), metrics, () => 'Clear'), told, metrics }
}

export type UnderTest = {
  readonly submission: Submission
  readonly allowances: Inbound['allowances']
  readonly told: Told[]
  readonly metrics: ReturnType<typeof createMetrics>
  readonly ca: string
  port(listener?: string): number
  apply(config: RelayConfig, authorities?: string): Promise<void>
}

export async function startSubmission(
  spool: Inbound['spool'],
  config = baseConfig,
  now?: () => number,
  maxSessions = Number.POSITIVE_INFINITY,
  turns?: Turns,
  headroom?: Headroom,
): Promise<UnderTest> {
  const { events, told, metrics } = tellingEvents()
  let current = config
  const allowances: Inbound['allowances'] = new Allowances({ events, sharing: () => current.sharing })
  const keyUses = new KeyUses({})
  const submission = createSubmission({
    spool,
    events,
    allowances,
    keyUses,
    maxSessions,
    ...(now && { now }),
    ...(turns && { turns }),
    ...(headroom && { headroom }),
  })
  await submission.reconcile(await load(config))
  return {
    submission,
    allowances,
    told,
    metrics,
    ca: (await testCertificates()).ca,
    port: (name = 'submission') => submission.addresses().find((a) => a.name === name)?.port ?? 0,
    apply: async (next, authorities) => {
      current = next
      await submission.reconcile(await load(next, authorities))
    },
  }
}
