/** `spec.admission`: which clients and credentials a fleet admits, and how much one client may do. */
import * as fields from './fields.ts'
import type { CrossFieldRule, FromSchema, ObjectSchema } from './schema.ts'

const networkList = { type: 'array', maxItems: 64, default: [], items: fields.cidr } as const

export const admission = {
  type: 'object',
  default: {},
  properties: {
    networks: {
      type: 'object',
      default: {},
      description:
        'Networks from which clients may connect; this never replaces AUTH. An empty allow list admits all but those in deny.',
      properties: { allow: networkList, deny: networkList },
    },
    authFailures: {
      type: 'object',
      default: {},
      properties: {
        max: { type: 'integer', minimum: 1, maximum: 1000, default: 10 },
        per: { ...fields.duration, default: '5m' },
        lockout: { ...fields.duration, default: '15m' },
      },
    },
    limits: {
      type: 'object',
      default: {},
      properties: {
        messageSize: { ...fields.quantity, default: '25Mi' },
        recipientsPerMessage: { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
        connectionsPerClient: { type: 'integer', minimum: 1, maximum: 10000, default: 50 },
        messagesPerConnection: { type: 'integer', minimum: 1, maximum: 1000000, default: 1000 },
        transactionTime: { ...fields.duration, default: '10m' },
      },
    },
    credentials: {
      type: 'object',
      default: {},
      description: 'Which RelayCredentials may use this fleet.',
      properties: {
        namespaces: {
          ...fields.namespaces,
          description: 'The consent of the policy: of which namespaces the RelayCredentials may use this fleet.',
        },
      },
    },
  },
} as const satisfies ObjectSchema

/** The part of a policy that these rules read. */
type Admitting = { readonly admission: FromSchema<typeof admission> }

export const networkRules: readonly CrossFieldRule<Admitting>[] = [
  {
    field: 'spec.admission.networks.allow',
    cel: `self.admission.networks.allow.all(c, !c.matches('${fields.everyNetwork.source}'))`,
    message: '0.0.0.0/0, ::/0 and ::ffff:0:0/96 narrow nothing; name the networks, or leave the list empty',
    holds: (s) => !s.admission.networks.allow.some((c) => fields.everyNetwork.test(c)),
  },
]
