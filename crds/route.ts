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
    name: fields.entryName,
    host: fields.host,
    port: { type: 'integer', format: 'int32', minimum: 1, maximum: 65535, default: 587 },
    tls: {
      type: 'object',
      default: {},
      properties: {
        mode: {
          type: 'string',
          maxLength: 16,
          enum: ['StartTLS', 'Implicit', 'Opportunistic', 'Disabled'],
          default: 'StartTLS',
        },
        caRef: fields.nameReference(
          'A Secret or ConfigMap in the namespace of the policy, with the CA of the next hop in ca.crt. Absent: the public CAs.',
        ),
      },
    },
    authRef: fields.nameReference(
      'A Secret in the namespace of the policy, with username and password for the next hop. It needs tls.mode StartTLS or Implicit.',
    ),
    priority: { type: 'integer', minimum: 0, maximum: 1000, default: 0 },
    maxConnections: { type: 'integer', minimum: 1, maximum: 1000, default: 20 },
  },
} as const satisfies ObjectSchema

/** Defaults: enough for a relay, and few enough for a small exchanger; a domain with a big one can have a route of its own. */
export const exchangerBounds = { maxConnections: 100, maxConnectionsPerDomain: 5 } as const

const exchangers = {
  type: 'object',
  description: 'For type MX: how many connections are used. Absent: the defaults.',
  properties: {
    maxConnections: { type: 'integer', minimum: 1, maximum: 1000, default: exchangerBounds.maxConnections },
    maxConnectionsPerDomain: {
      type: 'integer',
      minimum: 1,
      maximum: 100,
      default: exchangerBounds.maxConnectionsPerDomain,
    },
  },
} as const satisfies ObjectSchema

export const route = {
  type: 'object',
  required: ['name'],
  properties: {
    name: fields.entryName,
    match: {
      type: 'object',
      description:
        'Which recipients of which mail take this route: everything that is given here must match. Absent on the last route, which takes the rest.',
      properties: {
        senderDomains: fields.domainNames,
        recipientDomains: fields.domainNames,
        credentialSelector: fields.labelSelector,
      },
    },
    type: { type: 'string', maxLength: 16, enum: ['Smarthost', 'MX'], default: 'Smarthost' },
    smarthosts: {
      type: 'array',
      maxItems: 16,
      default: [],
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: smarthost,
    },
    exchangers,
    retry: {
      type: 'object',
      default: {},
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
        expireAfter: { ...fields.duration, default: '24h' },
      },
    },
  },
} as const satisfies ObjectSchema

export type Route = FromSchema<typeof route>
