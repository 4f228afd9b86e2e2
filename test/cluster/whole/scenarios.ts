/** What people do to objects in tests in which the operator dies after any one of its writes. */
import { until } from '../../local/until.ts'
import { answeringPods } from '../answering-pods.ts'
import { type Api, accepted } from '../api.ts'

export type Scenario = {
  readonly name: string
  /** The objects that are there before, and settled. */
  readonly given: readonly object[]
  /** What goes on beside the change, from the beginning. */
  readonly beside?: (admin: Api, namespace: string) => Promise<Beside>
  readonly change: (admin: Api, namespace: string) => Promise<void>
}

export type Beside = {
  /** Called right before the change. */
  ready(): Promise<void>
  /** What went wrong, asked for in the end; must be empty. */
  readonly wrongs: () => readonly string[]
  close(): Promise<void>
}

/** Relays that answer. One of them has mail, which it delivers once it is told to leave. */
async function withMail(admin: Api, namespace: string): Promise<Beside> {
  const pods = await answeringPods(admin, namespace, 'shared')
  const path = `${own(namespace, 'relaypolicies')}/shared`
  return {
    async ready() {
      await until('the relays are known', async () => {
        const { status } = accepted(await admin.get(path)) as {
          readonly status?: { readonly spools?: readonly object[] }
        }
        return status?.spools?.length === 2
      })
      pods.mail.set('shared-1', 1)
    },
    wrongs: () =>
      [...pods.mail].filter(([, left]) => left > 0).map(([name, left]) => `${name} was gone with ${left} messages`),
    close: () => pods.close(),
  }
}

const ours = (kind: string, name: string, spec: object) => ({
  apiVersion: 'relayfleet.dev/v1alpha1',
  kind,
  metadata: { name },
  spec,
})

const smarthost = { name: 'out', host: 'smtp.example.net', port: 587 }
const policySpec = {
  environment: 'Production',
  replicas: 2,
  listeners: [{ name: 'submission', port: 587, tls: { mode: 'StartTLS' } }],
  routes: [{ name: 'default', type: 'Smarthost', smarthosts: [smarthost] }],
}
export const policy = (name = 'shared', spec: object = {}) => ours('RelayPolicy', name, { ...policySpec, ...spec })
export const domain = (name = 'shop') =>
  ours('SenderDomain', name, { domain: '%.example.org', environment: 'Production' })
export const credential = (name: string, spec: object = {}) =>
  ours('RelayCredential', name, { policyRef: { name: 'shared' }, senderDomainRefs: [{ name: 'shop' }], ...spec })

const whole = [policy(), domain(), credential('checkout')]

const plurals: Readonly<Record<string, string>> = {
  RelayPolicy: 'relaypolicies',
  SenderDomain: 'senderdomains',
  RelayCredential: 'relaycredentials',
}

const own = (namespace: string, plural: string, name = ''): string =>
  `/apis/relayfleet.dev/v1alpha1/namespaces/${namespace}/${plural}${name === '' ? '' : `/${name}`}`

/** Makes the objects. `%` in them becomes the namespace, since a domain can belong to only one in the whole cluster. */
export async function make(admin: Api, namespace: string, objects: readonly object[]): Promise<void> {
  for (const object of objects) {
    const text = JSON.stringify(object).replaceAll('%', namespace)
    const { kind } = object as { readonly kind: string }
    accepted(await admin.create(own(namespace, plurals[kind] ?? ''), JSON.parse(text)))
  }
}

const patching =
  (plural: string, name: string, spec: object): Scenario['change'] =>
  async (admin, namespace) => {
    accepted(await admin.patch(own(namespace, plural, name), { spec }))
  }
const removing =
  (path: string): Scenario['change'] =>
  async (admin, namespace) => {
    accepted(await admin.remove(path.replace('%', namespace)))
  }
const core = '/api/v1/namespaces/%'

/** An address at which nobody listens, so a question fails at once. */
const resolvers = ['127.0.0.254']
const managed = ours('SenderDomain', 'shop', {
  ...{ domain: '%.example.org', environment: 'Production' },
  dns: { resolvers },
  dkim: {},
})

/** Makes the domain's keys look as if they had signed since the beginning of 2026. */
const agedKeys: Scenario['change'] = async (admin, namespace) => {
  const path = own(namespace, 'senderdomains', 'shop')
  const { status } = accepted(await admin.get(path)) as { readonly status?: unknown }
  const { dkimKeys = [] } = (status ?? {}) as { readonly dkimKeys?: readonly object[] }
  const aged = dkimKeys.map((key) => ({ ...key, stage: 'Active', since: '2026-01-01T00:00:00Z' }))
  accepted(await admin.patch(`${path}/status`, { status: { dkimKeys: aged } }))
}

export const scenarios: readonly Scenario[] = [
  { name: 'everything is created', given: [], change: (admin, namespace) => make(admin, namespace, whole) },
  {
    name: 'another credential is made',
    given: whole,
    change: (admin, namespace) => make(admin, namespace, [credential('billing')]),
  },
  {
    name: 'limits are edited',
    given: whole,
    change: patching('relaypolicies', 'shared', { admission: { limits: { recipientsPerMessage: 7 } } }),
  },
  {
    name: "the listener's port moves",
    given: whole,
    change: patching('relaypolicies', 'shared', {
      listeners: [{ name: 'submission', port: 2525, tls: { mode: 'StartTLS' } }],
    }),
  },
  { name: 'DKIM keys are made', given: [policy(), credential('checkout')], change: (a, n) => make(a, n, [managed]) },
  { name: 'DKIM keys are followed by others', given: [policy(), managed, credential('checkout')], change: agedKeys },
  {
    name: 'one relay is asked for instead of two',
    given: whole,
    change: patching('relaypolicies', 'shared', { replicas: 1 }),
  },
  {
    name: 'a credential is suspended',
    given: whole,
    change: patching('relaycredentials', 'checkout', { suspended: true }),
  },
  {
    name: 'a binding Secret gets another name',
    given: whole,
    change: patching('relaycredentials', 'checkout', { secretTemplate: { name: 'smtp' } }),
  },
  {
    name: 'a credential is deleted',
    given: [...whole, credential('billing')],
    change: removing('/apis/relayfleet.dev/v1alpha1/namespaces/%/relaycredentials/billing'),
  },
  {
    name: 'the domain is deleted',
    given: whole,
    change: removing('/apis/relayfleet.dev/v1alpha1/namespaces/%/senderdomains/shop'),
  },
  {
    name: 'a younger domain claims the same name',
    given: whole,
    change: (admin, namespace) => make(admin, namespace, [domain('younger')]),
  },
  {
    name: 'a reference is broken while a credential is suspended',
    given: whole,
    change: async (admin, namespace) => {
      const listeners = [
        { name: 'submission', port: 587, tls: { mode: 'StartTLS', certificateRef: { name: 'nowhere' } } },
      ]
      await patching('relaypolicies', 'shared', { listeners })(admin, namespace)
      await patching('relaycredentials', 'checkout', { suspended: true })(admin, namespace)
    },
  },
  {
    name: 'a binding Secret is deleted',
    given: whole,
    change: removing(`${core}/secrets/checkout`),
  },
  {
    name: 'a key is rotated',
    given: whole,
    change: patching('relaycredentials', 'checkout', { rotation: { trigger: 'now' } }),
  },
  { name: 'the issued certificate is deleted', given: whole, change: removing(`${core}/secrets/shared-relay-tls`) },
  { name: 'the configuration is deleted', given: whole, change: removing(`${core}/secrets/shared-relay-config-0`) },
  {
    name: "the Service is edited by somebody else's hand",
    given: whole,
    change: async (admin, namespace) => {
      const ports = [{ name: 'submission', port: 587, protocol: 'TCP', targetPort: 1 }]
      accepted(await admin.patch(`/api/v1/namespaces/${namespace}/services/shared`, { spec: { ports } }))
    },
  },
  {
    name: 'a policy with mail is deleted',
    given: whole,
    beside: withMail,
    change: removing('/apis/relayfleet.dev/v1alpha1/namespaces/%/relaypolicies/shared'),
  },
  {
    name: 'the StatefulSet is deleted',
    given: whole,
    change: removing('/apis/apps/v1/namespaces/%/statefulsets/shared'),
  },
]
