/** `spec.admission`: which clients and credentials a fleet admits, and how much one client may do. */
import * as fields from './fields.ts'
import { narrowing, networkList } from './networks.ts'
import type { CrossFieldRule, FromSchema, ObjectSchema } from './schema.ts'

export const admission = {
  type: 'object',
  default: {},
  description: 'Which clients and credentials the fleet admits, and how much one client may do.',
  properties: {
    networks: {
      type: 'object',
      default: {},
      description:
        'Networks from which clients may connect; this never replaces AUTH. An empty allow list admits all but those in deny.',
      properties: {
        allow: {
          ...networkList,
          description: 'Only clients from these networks, in CIDR form, may connect. Empty: clients from everywhere.',
        },
        deny: {
          ...networkList,
          description: 'Clients from these networks, in CIDR form, may not connect, even if allow has them.',
        },
      },
    },
    authFailures: {
      type: 'object',
      default: {},
      description: 'When a client that fails to log in again and again is locked out, and for how long.',
      properties: {
        max: {
          type: 'integer',
          minimum: 1,
          maximum: 1000,
          default: 10,
          description:
            'After so many failed logins within per, the client is locked out: one IPv4 address, or all addresses of one IPv6 /64.',
        },
        per: {
          ...fields.duration,
          default: '5m',
          description: 'The time within which failed logins of a client add up to max.',
        },
        lockout: {
          ...fields.duration,
          default: '15m',
          description: 'How long the client is locked out (421). The lockout ends by itself.',
        },
      },
    },
    limits: {
      type: 'object',
      default: {},
      description: 'How much one message, one connection and one client may have.',
      properties: {
        messageSize: {
          ...fields.quantity,
          default: '25Mi',
          description:
            'The largest message that is taken, as a whole and as it is sent: encoding makes an attachment a third larger.',
        },
        recipientsPerMessage: {
          type: 'integer',
          minimum: 1,
          maximum: 1000,
          default: 100,
          description:
            'How many recipients a message may have. More are refused with 452, so that the client sends them in another message.',
        },
        connectionsPerClient: {
          type: 'integer',
          minimum: 1,
          maximum: 10000,
          default: 50,
          description:
            'How many connections a client may have open to each relay: one IPv4 address, or all of one IPv6 /64, which one host may have, or a node for all its pods.',
        },
        messagesPerConnection: {
          type: 'integer',
          minimum: 1,
          maximum: 1000000,
          default: 1000,
          description: 'How many messages a client may send on one connection. After that it has to connect again.',
        },
        transactionTime: {
          ...fields.duration,
          default: '10m',
          description: 'How long a message may take from MAIL to the final dot. A slower one is refused for now (421).',
        },
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
  narrowing('admission.networks.allow', (s) => s.admission.networks.allow),
]
