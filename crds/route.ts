/**
 * A route: which mail it takes, and where that goes: to smarthosts, or directly to the exchangers (MX) of each recipient's
 * domain.
 */
import * as fields from './fields.ts'
import type { FromSchema, ObjectSchema } from './schema.ts'

const smarthost = {
  type: 'object',
  required: ['name', 'host'],
  properties: {
    name: { ...fields.entryName, description: 'The name of the smarthost in logs, metrics and the status.' },
    host: {
      ...fields.completeHost,
      description:
        'A host name or an address. A name with a dot at its end is looked up as it is, without the search domains of the pod. Link-local addresses are refused, and so is IPv4 that is written as IPv6.',
    },
    port: {
      type: 'integer',
      format: 'int32',
      minimum: 1,
      maximum: 65535,
      default: 587,
      description: 'The port of the smarthost: usually 587 with StartTLS, 465 with Implicit.',
    },
    tls: {
      type: 'object',
      default: {},
      description: 'How mail to the smarthost is encrypted, and who vouches for its certificate.',
      properties: {
        mode: {
          type: 'string',
          maxLength: 16,
          enum: ['StartTLS', 'Implicit', 'Opportunistic', 'Disabled'],
          default: 'StartTLS',
          description:
            'StartTLS and Implicit verify the certificate, and send nothing without TLS. Opportunistic takes what there is, and sends in clear where TLS fails. Disabled sends in clear.',
        },
        caRef: fields.nameReference(
          'A Secret or ConfigMap in the namespace of the policy, with the CA of the next hop in ca.crt. Absent: the public CAs.',
        ),
      },
    },
    authRef: fields.nameReference(
      'A Secret in the namespace of the policy, with username and password for the next hop. It needs tls.mode StartTLS or Implicit.',
    ),
    priority: {
      type: 'integer',
      minimum: 0,
      maximum: 1000,
      default: 0,
      description:
        'Smarthosts with a lower number come first. One with a higher number is used only while none with a lower one can be.',
    },
    maxConnections: {
      type: 'integer',
      minimum: 1,
      maximum: 1000,
      default: 20,
      description:
        'How many connections each relay has open to it at one time. There are fewer where the smarthost takes fewer.',
    },
  },
} as const satisfies ObjectSchema

/** Defaults: enough for a relay, and few enough for a small exchanger; a domain with a big one can have a route of its own. */
export const exchangerBounds = { maxConnections: 100, maxConnectionsPerDomain: 5 } as const

const exchangers = {
  type: 'object',
  description: 'For type MX: how many connections are used. Absent: the defaults.',
  properties: {
    maxConnections: {
      type: 'integer',
      minimum: 1,
      maximum: 1000,
      default: exchangerBounds.maxConnections,
      description:
        'How many connections each relay uses at one time, for all domains together. Of ten or more, the last tenth is kept for credentials that use none.',
    },
    maxConnectionsPerDomain: {
      type: 'integer',
      minimum: 1,
      maximum: 100,
      default: exchangerBounds.maxConnectionsPerDomain,
      description: 'How many of these may be for one domain. A domain whose exchanger has not answered yet has one.',
    },
  },
} as const satisfies ObjectSchema

export const route = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { ...fields.entryName, description: 'The name of the route in logs, metrics and the status.' },
    match: {
      type: 'object',
      description:
        'Which recipients of which mail take this route: everything that is given here must match. Absent on the last route, which takes the rest.',
      properties: {
        senderDomains: {
          ...fields.domainNames,
          description:
            'Mail with a reverse-path of these very domains, or a From of them where the reverse-path is null. Empty: of every domain.',
        },
        recipientDomains: {
          ...fields.domainNames,
          description: 'Recipients of these very domains, without their subdomains. Empty: of every domain.',
        },
        credentialSelector: {
          ...fields.labelSelector,
          description:
            'Mail of the RelayCredentials with these labels. Absent: of every credential. What still waits of one that was deleted goes by a later route.',
        },
      },
    },
    type: {
      type: 'string',
      maxLength: 16,
      enum: ['Smarthost', 'MX'],
      default: 'Smarthost',
      description:
        "Smarthost: mail goes to smarthosts. MX: it goes directly to the exchangers (MX) of each recipient's domain.",
    },
    smarthosts: {
      type: 'array',
      maxItems: 16,
      default: [],
      description:
        'For type Smarthost, at least one: the next hops. Those with the lowest priority that work share the mail.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: smarthost,
    },
    exchangers,
    retry: {
      type: 'object',
      default: {},
      description: 'When mail that was deferred is tried again, and for how long.',
      properties: {
        schedule: {
          type: 'array',
          minItems: 1,
          maxItems: 32,
          default: ['1m', '5m', '15m', '1h'],
          items: fields.duration,
          description:
            'How long to wait before the second attempt, the third, and so on; the last value repeats until expireAfter.',
        },
        expireAfter: {
          ...fields.duration,
          default: '24h',
          description: 'How long a message is tried. After that it is returned to its reverse-path as a report (DSN).',
        },
      },
    },
  },
} as const satisfies ObjectSchema

export type Route = FromSchema<typeof route>
