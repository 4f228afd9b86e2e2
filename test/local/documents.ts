/** The objects of a small Production fleet, as a person would write them; each test changes the part that it is about. */
import { freePort } from './free-port.ts'

export type Document = {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace: string }
  readonly [field: string]: unknown
}
type Fields = Readonly<Record<string, unknown>>

const namespace = 'mail'
const resource = (kind: string, name: string, spec: Fields): Document => ({
  apiVersion: 'relayfleet.dev/v1alpha1',
  kind,
  metadata: { name, namespace },
  spec,
})

/** A route to receivers on this machine that retries every second, and gives up after five minutes. */
export const routeTo = (smarthosts: Fields | readonly Fields[]): Fields => ({
  name: 'default',
  smarthosts: Array.isArray(smarthosts) ? smarthosts : [smarthosts],
  retry: { schedule: ['1s'], expireAfter: '5m' },
})

/** A smarthost without TLS: only ever for a receiver on this machine. */
export const plainReceiver = (port: number): Fields => ({
  name: 'receiver',
  host: '127.0.0.1',
  port,
  tls: { mode: 'Disabled' },
})

/** A policy with one listener, on a free port; `spec` replaces whole fields. */
export const policy = async (spec: Fields): Promise<Document> =>
  resource('RelayPolicy', 'shared', {
    environment: 'Production',
    hostname: 'relay.test.example',
    listeners: [{ name: 'submission', port: await freePort(), tls: { mode: 'StartTLS' } }],
    evidence: { addresses: 'Clear' },
    ...spec,
  })

export const domain = (name: string, spec: Fields): Document =>
  resource('SenderDomain', name, { environment: 'Production', ...spec })

export const credential = (name: string, spec: Fields = {}): Document =>
  resource('RelayCredential', name, {
    policyRef: { name: 'shared' },
    senderDomainRefs: [{ name: 'corp' }],
    ...spec,
  })

export const secret = (name: string, stringData: Readonly<Record<string, string>>, type = 'Opaque'): Document => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace },
  type,
  stringData,
})

export const configMap = (name: string, data: Readonly<Record<string, string>>): Document => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
})

/** What most tests need: the policy, the domain corp.test and the credential app. */
export const smallFleet = async (policySpec: Fields, environment = 'Production'): Promise<readonly Document[]> => [
  await policy({ environment, ...policySpec }),
  domain('corp', { domain: 'corp.test', environment }),
  credential('app'),
]
