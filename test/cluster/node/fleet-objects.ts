/** The three objects of a small fleet of a suite's own. */

const ours = (kind: string, namespace: string, name: string, spec: object) => ({
  apiVersion: 'relayfleet.dev/v1alpha1',
  kind,
  metadata: { name, namespace },
  spec,
})

/** Each namespace has a domain of its own, since a domain belongs to one SenderDomain in the whole cluster. */
export const senderDomain = (namespace: string): string => `${namespace}.example.org`

/** All objects in one namespace; the relays pass mail on to `receiver` there. */
export const fleetObjects = (namespace: string, replicas: number): readonly object[] => [
  ours('RelayPolicy', namespace, 'shared', {
    environment: 'Production',
    replicas,
    listeners: [{ name: 'submission', port: 587, tls: { mode: 'StartTLS' } }],
    admission: {
      authFailures: { max: 1000, per: '5m', lockout: '15m' },
      limits: { connectionsPerClient: 500, messagesPerConnection: 10_000 },
    },
    routes: [
      {
        name: 'default',
        type: 'Smarthost',
        smarthosts: [{ name: 'receiver', host: `receiver.${namespace}.svc`, port: 2525, tls: { mode: 'Disabled' } }],
        retry: { schedule: ['1s'], expireAfter: '1h' },
      },
    ],
    queue: { storage: { size: '1Gi' } },
  }),
  ours('SenderDomain', namespace, 'shop', {
    domain: senderDomain(namespace),
    environment: 'Production',
    // Nothing can be wrong with the domain, so that a condition that is not True speaks of the fleet.
    dkim: { mode: 'Off', signedBy: 'Smarthost' },
  }),
  ours('RelayCredential', namespace, 'checkout', {
    policyRef: { name: 'shared' },
    senderDomainRefs: [{ name: 'shop' }],
  }),
]
