/** A route: whose mail it takes, and its way out, to smarthosts or directly to the exchangers of each recipient's domain. */
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
        caRef: fields.nameReference,
      },
    },
    authRef: fields.nameReference,
    priority: { type: 'integer', minimum: 0, maximum: 1000, default: 0 },
    maxConnections: { type: 'integer', minimum: 1, maximum: 1000, default: 20 },
  },
} as const satisfies ObjectSchema

/** Enough for a relay, and few enough for a small exchanger; a big one can be given a route of its own. */
export const exchangerBounds = { maxConnections: 100, maxConnectionsPerDomain: 5 } as const

const exchangers = {
  type: 'object',
  description: 'For type MX; absent, the defaults hold.',
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
      description: 'Every list that is given must match; absent on the last route, which takes the rest.',
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
          description: 'The wait before each next attempt; the last step repeats until expireAfter.',
        },
        expireAfter: { ...fields.duration, default: '24h' },
      },
    },
  },
} as const satisfies ObjectSchema

export type Route = FromSchema<typeof route>
