/** `spec.limitStore`: a store in which all relays of a fleet count together, so that limits hold exactly. */
import * as fields from './fields.ts'
import type { CrossFieldRule, FromSchema, ObjectSchema } from './schema.ts'

export const limitStore = {
  type: 'object',
  required: ['host'],
  description:
    'A Redis or Valkey in which the relays count together. Absent, or while it does not answer: each relay hands out its own share of every limit.',
  properties: {
    host: {
      ...fields.host,
      description:
        'A Service, a host name or an address of one store that is written to, not of a Redis cluster. Link-local addresses are refused, and so is IPv4 that is written as IPv6.',
    },
    port: {
      type: 'integer',
      format: 'int32',
      minimum: 1,
      maximum: 65535,
      default: 6379,
      description: 'The port of the store. It has TLS from the first octet, unless tls.mode is Disabled.',
    },
    database: {
      type: 'integer',
      format: 'int32',
      minimum: 0,
      maximum: 1023,
      default: 0,
      description:
        'The number of the database in the store. Two clusters with policies of one name need two databases, or two stores.',
    },
    tls: {
      type: 'object',
      default: {},
      description: 'How the connection to the store is encrypted, and who vouches for its certificate.',
      properties: {
        mode: {
          type: 'string',
          maxLength: 16,
          enum: ['Implicit', 'Disabled'],
          default: 'Implicit',
          description: 'Implicit: TLS, and the certificate is verified. Disabled: in clear, and without a login.',
        },
        caRef: fields.nameReference(
          'A Secret or ConfigMap in the namespace of the policy, with the CA of the store in ca.crt. Absent: the public CAs.',
        ),
      },
    },
    authRef: fields.nameReference(
      'A Secret in the namespace of the policy, with username and password for the store. Where the store has only requirepass, the username is default.',
    ),
    timeout: {
      ...fields.duration,
      default: '50ms',
      description:
        'How long a message waits for the answer of the store. A later answer is ignored, as if the store were away.',
    },
  },
} as const satisfies ObjectSchema

/** The part of a policy that these rules read. */
type Counting = { readonly limitStore?: FromSchema<typeof limitStore> }

export const limitStoreRules: readonly CrossFieldRule<Counting>[] = [
  {
    field: 'spec.limitStore',
    cel: "!has(self.limitStore) || self.limitStore.tls.mode == 'Implicit' || !(has(self.limitStore.authRef) || has(self.limitStore.tls.caRef))",
    message:
      'authRef and tls.caRef need tls.mode Implicit: a password never crosses a connection without verified TLS, and without TLS nothing is verified',
    holds: ({ limitStore: store }) =>
      store === undefined ||
      store.tls.mode === 'Implicit' ||
      (store.authRef === undefined && store.tls.caRef === undefined),
  },
  {
    field: 'spec.limitStore.host',
    cel: `!has(self.limitStore) || !self.limitStore.host.matches('${fields.linkLocal.source}')`,
    message:
      "a link-local address can not be a store (169.254.169.254 is a cloud's metadata service); name another host",
    holds: ({ limitStore: store }) => store === undefined || !fields.linkLocal.test(store.host),
  },
  {
    field: 'spec.limitStore.timeout',
    cel: "!has(self.limitStore) || self.limitStore.timeout.matches('^([1-9][0-9]{0,3}ms|[1-9]s|10s)$')",
    message: 'each message of a credential with limits may wait for so long: use 1ms to 9999ms, or 1s to 10s',
    holds: ({ limitStore: store }) => store === undefined || /^([1-9][0-9]{0,3}ms|[1-9]s|10s)$/.test(store.timeout),
  },
]
